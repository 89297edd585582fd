import type { Exchange } from '../exchange/exchange.js'
import type { FetchHandler } from '../fetch/handler.js'
import type { NodeRequest } from '../node/request.js'
import type { NodeResponse } from '../node/response.js'
import type { AnyData, Data, Session } from '../session/session.js'
import type { Storable } from '../session/storable.js'

/** The sessions of an application, or of one slice of it. */
export interface Sessions<D extends Storable<D> = AnyData> {
  /**
   * The session of a request of node:http or node:http2, loaded at the first call and the same one at
   * every other. What is changed in it is stored before the response leaves. Rejects with what the
   * store says, such as `UNAVAILABLE`; with `DISABLED` where sessions are off; and with
   * `INVALID_REQUEST` for anything but Node's own request and response.
   */
  open(request: NodeRequest, response: NodeResponse): Promise<Session<D>>
  /** The session of a `Request` that `fetch` is handling. Rejects as for Node, and for any other `Request`. */
  open(request: Request): Promise<Session<D>>

  /** Wraps a fetch handler, so that it can `open` sessions and its responses carry them. */
  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response>

  /**
   * What the session holds at this moment, where there is no response to store with: upgrades, event
   * streams, sockets. Asks the store at each call; `null` where there is no session, or no longer. A
   * change to it throws `READ_ONLY`. Rejects with what the store says.
   */
  read(request: NodeRequest | Request): Promise<Readonly<Data<D>> | null>

  /**
   * For bindings to other frameworks. `cookie` is the value of the `Cookie` header: throws
   * `INVALID_REQUEST` for what is no text. `https: false` says that a browser on this machine speaks
   * plain http, so that outside production its cookie goes without Secure.
   */
  exchange(cookie: string | null | undefined, on?: { readonly https?: boolean }): Exchange<D>

  /** A name for the session in logs, which opens nothing; another after each login. `undefined` where nothing is stored yet. */
  id(session: Session<D>): string | undefined

  /**
   * Lets what is under way end, and closes the store unless it was passed in. Later calls are `CLOSED`. `await using`
   * closes as well.
   */
  close(): Promise<void>
  // Of `lib` esnext.disposable: without @ts-ignore, an application with an older `lib` that checks its libraries would not compile.
  /** @ts-ignore Not known to every `lib`, perhaps. */
  [Symbol.asyncDispose](): Promise<void>
}
