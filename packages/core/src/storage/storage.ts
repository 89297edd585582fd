import type { Store } from '../contract.js'
import type { Keyring } from '../crypto/keyring.js'
import { TokenMint } from '../crypto/token.js'
import { SessError } from '../error.js'
import { forLaterCallers, requestsShareIo } from '../request-io.js'
import { ClientSession } from './client-session.js'
import { SessionEntries } from './entries.js'
import { InFlight } from './in-flight.js'
import {
  type Commit,
  type CookieChange,
  isExtension,
  type LoadedSession,
  type StorageContext,
} from './loaded-session.js'
import type { OpenStore, StoreUser } from './open-store.js'
import { ServerSession } from './server-session.js'
import { Swaps } from './swaps.js'
import { SwapsInTurn } from './swaps-in-turn.js'

/** The sessions of one application, in its store. */
export class SessionStorage {
  readonly #opened: OpenStore
  readonly #user: WeakRef<StoreUser>
  readonly #context: StorageContext
  readonly #find: (tokens: readonly string[]) => Promise<LoadedSession>
  readonly #commits = new InFlight()
  readonly #leave = () => this.#commits.leave()
  /** The last extension failed, and `onError` knows. */
  #failsToExtend = false
  #closing: Promise<void> | undefined
  /** The store may be closed, or others may use it. */
  #hasLeft = false

  constructor(opened: OpenStore, keyring: Keyring, context: StorageContext) {
    this.#opened = opened
    this.#context = context
    this.#find = finder(opened.store, keyring, context)
    this.#user = opened.join(context)
  }

  /** The newest session that the tokens open, or a new one. Rejects with `CLOSED` after `close`. */
  find(tokens: readonly string[]): Promise<LoadedSession> {
    if (this.#closing) return Promise.reject(closed())
    return this.#find(tokens)
  }

  /** When the session ends if it is not used again; `undefined` if nothing is stored. */
  expiresAt({ record }: LoadedSession): Date | undefined {
    return record && new Date(this.#context.lifetime.expiresAt(record))
  }

  /** Stores a commit; `close` waits for it. */
  commit(session: LoadedSession, commit: Commit): Promise<CookieChange | undefined> {
    this.#commits.enter()
    const done = isExtension(commit) ? this.#extend(session, commit) : this.#send(session, commit)
    done.then(this.#leave, this.#leave)
    return done
  }

  /**
   * A request that only read has all that it asked for, so a failure does not fail its response: the next request tries
   * again. `onError` gets the first one, and no other until an extension has succeeded. On a store that takes no
   * writes, every request would report one.
   */
  async #extend(session: LoadedSession, commit: Commit): Promise<CookieChange | undefined> {
    try {
      const cookie = await this.#send(session, commit)
      this.#failsToExtend = false
      return cookie
    } catch (error) {
      if (!this.#failsToExtend) this.#context.onError(error)
      this.#failsToExtend = true
      return undefined
    }
  }

  #send(session: LoadedSession, commit: Commit): Promise<CookieChange | undefined> {
    return this.#hasLeft && this.#opened.isShared ? Promise.reject(closed()) : session.commit(commit)
  }

  /** Waits for the commits in flight, then leaves the store. */
  close(): Promise<void> {
    if (this.#closing) return this.#closing
    const closing = this.#close()
    this.#closing = forLaterCallers(closing)
    return closing
  }

  async #close(): Promise<void> {
    if (requestsShareIo()) await this.#commits.idle()
    this.#hasLeft = true
    await this.#opened.leave(this.#user)
  }
}

function closed(): SessError {
  return new SessError('CLOSED', 'These sessions are closed.')
}

function finder(
  store: Store,
  keyring: Keyring,
  context: StorageContext,
): (tokens: readonly string[]) => Promise<LoadedSession> {
  if (store.kind === 'client') return (tokens) => ClientSession.find(store, context, tokens)
  const entries = new SessionEntries(store, context)
  const mint = new TokenMint(keyring, context.cookieName)
  const swaps = requestsShareIo() ? new Swaps(entries, context) : new SwapsInTurn(entries, context)
  const serverContext = { ...context, entries, swaps, mint }
  return (tokens) => ServerSession.find(serverContext, tokens)
}
