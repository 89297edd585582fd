import type { Keyring } from '../crypto/keyring.js'
import { SessError } from '../error.js'
import { SessionExchange } from '../exchange/exchange.js'
import type { CarrierContext, Exchanges } from '../exchange/exchanges.js'
import type { IncomingRequest } from '../exchange/request.js'
import type { Exchange } from '../exchange/types.js'
import { openFetch, wrapFetch } from '../fetch/handler.js'
import { IncomingFetchRequest, isFetchRequest } from '../fetch/request.js'
import type { FetchHandler } from '../fetch/types.js'
import { assertAccepted } from '../loading/assert-store.js'
import { openNode } from '../node/open.js'
import { IncomingNodeRequest, isNodeRequest, type NodeRequest } from '../node/request.js'
import type { NodeResponse } from '../node/response.js'
import { describe } from '../options/check.js'
import { handleOf } from '../session/proxy.js'
import { readOnly } from '../session/read-only.js'
import type { AnyData, Data, Session } from '../session/session.js'
import type { OpenStore } from '../storage/open-store.js'
import { SessionStorage } from '../storage/storage.js'
import { Warnings } from '../warnings.js'
import type { Settings } from './core-options.js'
import type { Sessions } from './types.js'

/** Sessions that are turned on. */
export class Application implements Sessions {
  readonly #context: CarrierContext

  constructor(opened: OpenStore, settings: Settings, keyring: Keyring, exchanges: Exchanges) {
    assertAccepted(opened.store, settings.accept)
    const { cookie, clock, lifetime, onConflict } = settings
    const warnings = new Warnings()
    const onError = harmless(settings.onError, warnings)
    const storage = new SessionStorage(opened, keyring, {
      clock,
      lifetime,
      onConflict,
      cookieName: cookie.name,
      cookiePlace: cookie.place,
      persistent: cookie.persistent,
      warnings,
      onError,
    })
    this.#context = { cookie, clock, storage, exchanges, onError }
  }

  open(request: NodeRequest | Request, response?: NodeResponse): Promise<Session<AnyData>> {
    return response === undefined ? openFetch(this.#context, request) : openNode(this.#context, request, response)
  }

  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response> {
    return wrapFetch(this.#context, handler)
  }

  async read(request: NodeRequest | Request): Promise<Readonly<Data<AnyData>> | null> {
    const { cookie, storage } = this.#context
    const { record } = await storage.find(cookie.values(incomingRequest(request)))
    return record ? readOnly(record.values, unwritable) : null
  }

  exchange(
    from: string | null | undefined | NodeRequest | Request,
    on: { readonly https?: boolean } = {},
  ): Exchange<AnyData> {
    const isLocal = on.https === false
    if (from === null || from === undefined || typeof from === 'string')
      return new SessionExchange(this.#context, { cookie: from, host: undefined, isPlainHttp: isLocal, isLocal })
    if (!isNodeRequest(from)) {
      throw new SessError(
        'INVALID_REQUEST',
        `exchange takes a request, or the value of its Cookie header; it was given ${describe(from)}.`,
      )
    }
    const incoming = incomingRequest(from)
    const request =
      on.https === undefined
        ? incoming
        : { cookie: incoming.cookie, host: incoming.host, isPlainHttp: isLocal, isLocal }
    return new SessionExchange(this.#context, request)
  }

  id(session: Session<AnyData>): string | undefined {
    return handleOf(session)?.id
  }

  expiresAt(session: Session<AnyData>): Date | undefined {
    return handleOf(session)?.expiresAt
  }

  discard(session: Session<AnyData>): void {
    const handle = handleOf(session)
    if (handle === undefined) {
      throw new SessError('INVALID_REQUEST', `discard takes a session; it was given ${describe(session)}.`)
    }
    if (handle.isSealed) {
      throw new SessError(
        'SEALED',
        'sess.discard was called after the response began, when the changes were on their way to the store. Call it before the first write, end or redirect.',
      )
    }
    handle.discard()
  }

  close(): Promise<void> {
    return this.#context.storage.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function incomingRequest(request: NodeRequest | Request): IncomingRequest {
  return isFetchRequest(request) ? new IncomingFetchRequest(request) : new IncomingNodeRequest(request)
}

/** An `onError` that itself throws or rejects must end neither a response nor the process. */
function harmless(onError: Settings['onError'], warnings: Warnings): Settings['onError'] {
  // The result may be a promise, whatever its type says.
  const call = async (error: unknown): Promise<unknown> => onError(error)
  const warn = (failure: unknown) => {
    warnings.once('SESS_ON_ERROR', `Your onError failed; it must neither throw nor reject. ${String(failure)}`)
  }
  return (reason) => void call(reason).catch(warn)
}

function unwritable(): SessError {
  return new SessError(
    'READ_ONLY',
    'What read() returned cannot be changed. To change the session, open it in a request that has a response.',
  )
}
