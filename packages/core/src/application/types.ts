import type { Finding } from '../contract.js'
import type { CookieOptions, Exchange, ExchangeOptions } from '../exchange/types.js'
import type { FetchHandler } from '../fetch/types.js'
import type { NodeRequest } from '../node/request.js'
import type { NodeResponse } from '../node/response.js'
import type { Duration } from '../options/duration.js'
import type { ConflictPolicy } from '../session/merge.js'
import type { AnyData, Data, Session } from '../session/session.js'
import type { FormerSessions } from '../storage/former.js'
import type { StandardSchema } from '../session/standard-schema.js'
import type { Storable } from '../session/storable.js'

/**
 * The options of `sessions` for every store. A `Duration` is a number of milliseconds, or a text such as `'24h'`. `K` are
 * the keys that can be the `owner`, and `S` is the type of the `schema`: by default none.
 */
export interface CoreOptions<K extends string = never, S extends StandardSchema = never> {
  /**
   * At least 32 random bytes. To rotate secrets, give several, newest first: the first one makes tokens, and tokens of
   * all of them are accepted. An `undefined` in the array is skipped. Applications that share a secret, a cookie name
   * and a store share their sessions. Without a secret, `sessions` throws; in a build step, the first use of the sessions
   * fails instead.
   */
  readonly secret: string | undefined | readonly (string | undefined)[]
  /**
   * A session ends after this time without use. Default `'24h'`, or `absoluteTimeout` if that is shorter. Longer than
   * `absoluteTimeout` throws `INVALID_OPTION`.
   */
  readonly idleTimeout?: Duration | undefined
  /**
   * A session ends this long after it began or last logged in (`regenerate`), even if it is in use. Default `'30d'`.
   */
  readonly absoluteTimeout?: Duration | undefined
  /**
   * The key of the session that holds the user's id, a number or a string. Then `sess.owner(id)` lists and ends the user's
   * sessions, and to assign another value to the key moves the session to a new token. Needs a store on a server.
   */
  readonly owner?: K | undefined
  /**
   * The most sessions of one user, 1 to 64. A login beyond that ends the session that was used least recently; the time of
   * its last use is known to within one idle timeout. Needs `owner`. Default: any number.
   */
  readonly maxPerOwner?: number | undefined
  /**
   * A schema of the session's values, made with Zod, Valibot, ArkType or any other library that follows Standard Schema. Its
   * output is then the type of the values. It reads what is stored when a session is opened: a key that does not fit reads as absent,
   * `onError` is told, and nothing is lost. A change that does not fit is `INVALID_VALUE` when it is to be stored. A session
   * may lack any key, whatever the schema says. It must take an empty object but for missing keys, and answer at once, not
   * with a promise: anything else throws `INVALID_OPTION`. Default: what is stored is not checked.
   */
  readonly schema?: S | undefined
  /**
   * How long a session lives that `regenerate({ remember: true })` has moved: `idleTimeout`, default `'30d'`, and
   * `absoluteTimeout`, default `'365d'`, instead of the two above. Its cookie survives a restart of the browser. Default: no
   * session can be remembered.
   */
  readonly remember?: RememberOptions | undefined
  /**
   * The sessions that users have with another library, as `@sess/migrate` reads them. A request with the cookie of one, and
   * with no live session here, takes that session over: what it holds, under a new token, with the lifetime that it had left.
   * Remove the option once nobody comes with such a cookie: `sess.migrate` of `node:diagnostics_channel` reports each.
   */
  readonly migrate?: readonly FormerSessions[] | undefined
  /**
   * What happens if this request reads a key, another request changes it, and this request then writes it. `'fail'`
   * (the default) answers 409 and stores nothing; `'overwrite'` stores this request's value.
   */
  readonly onConflict?: ConflictPolicy | undefined
  /** The options of the session's cookie. */
  readonly cookie?: CookieOptions | undefined
  /**
   * The file or folder to look for the adapter's package from. Default: the calling file, then the working directory.
   * If you set it, neither of these is searched.
   */
  readonly from?: string | URL | undefined
  /**
   * Guarantees that the store may lack. Without `'atomic'`, concurrent changes may be lost. Without `'fresh'`, a logout
   * may not take effect at once. Default: none.
   */
  readonly accept?: readonly ('atomic' | 'fresh')[] | undefined
  /**
   * Called with errors that your code cannot catch, such as the reason why a response was replaced by an error.
   * Default: `console.error`. If it throws or rejects, a warning says so.
   */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Returns the current time, in epoch milliseconds. It decides when sessions end. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** A key of the session that can hold the user's id. */
export type OwnerKey<D> = string extends keyof D
  ? string
  : { [K in keyof D & string]-?: IsOwnerId<Exclude<D[K], undefined | null>> extends true ? K : never }[keyof D & string]

type IsOwnerId<V> = [V] extends [never] ? false : [V] extends [string | number] ? true : false

/** The timeouts of sessions that are remembered. */
export interface RememberOptions {
  /** Default `'30d'`, or `absoluteTimeout` if that is shorter. */
  readonly idleTimeout?: Duration | undefined
  /** Default `'365d'`. */
  readonly absoluteTimeout?: Duration | undefined
}

/** The sessions of an application, or of one slice of it. */
export interface Sessions<D extends Storable<D> = AnyData> {
  /**
   * The session of a request of node:http or node:http2. The first call loads it; later calls resolve with the same
   * one. Changes to it are stored before the response leaves. Rejects with the store's error, such as `UNAVAILABLE`;
   * with `DISABLED` if sessions are off; and with `INVALID_REQUEST` for anything other than Node's own request and
   * response.
   */
  open(request: NodeRequest, response: NodeResponse): Promise<Session<D>>
  /**
   * The session of the `Request` that `fetch` passed to your handler. Rejects as for Node, and with `INVALID_REQUEST`
   * for any other `Request`.
   */
  open(request: Request): Promise<Session<D>>

  /** Wraps a fetch handler. The handler can then `open` sessions, and its responses carry their cookies. */
  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response>

  /**
   * The session's values at this moment, for requests whose response cannot store changes: upgrades, event streams,
   * sockets. Each call reads the store. Resolves with `null` if there is no session or it has ended. The values are
   * read-only: a change throws `READ_ONLY`. Rejects with the store's error, or with `DISABLED` if sessions are off.
   */
  read(request: NodeRequest | Request): Promise<Readonly<Data<D>> | null>

  /**
   * One request and its response, for bindings to other frameworks. `from` is the request, of Node or of fetch, or the
   * value of its `Cookie` header, if there is one; anything else throws `INVALID_REQUEST`.
   */
  exchange(from: string | null | undefined | NodeRequest | Request, on?: ExchangeOptions): Exchange<D>

  /**
   * The session's public name, for logs. It cannot open the session. It is known from the first value on that a new
   * session holds, and is another one from `regenerate` on, before anything is stored. With the option `owner`, a session
   * keeps its name for as long as it is the same user's. `undefined` if there is no session.
   */
  id(session: Session<D>): string | undefined

  /**
   * When the session ends if it is not used again: the sooner of its idle and its absolute timeout, as it was last
   * stored. Asking does not extend it. `undefined` if nothing is stored yet.
   */
  expiresAt(session: Session<D>): Date | undefined

  /**
   * The sessions of a user: those that hold this id under the key of the option `owner`. `1` and `'1'` are two users. Asks
   * the store nothing. Throws `INVALID_OPTION` without that option, and `DISABLED` if sessions are off.
   */
  owner(id: string | number): Owner<D>

  /**
   * A signal that is aborted when the session of the request ends, by logout, `revoke` or expiry: for sockets and streams
   * that outlive a request. At once if this process ends it; else the store is asked, all watched sessions at the same time.
   * It follows the session through logins. If there is no session, it is aborted already. While the store fails, nothing is
   * aborted, and `onError` is told once. The store is asked until the request's connection closes or its signal is aborted.
   * Rejects as `read` does, and with `INVALID_OPTION` on a store that the browsers hold.
   */
  watch(request: NodeRequest | Request, options?: WatchOptions): Promise<AbortSignal>

  /**
   * Whether the user logged in at most this long ago: for what asks for the password again (OWASP ASVS 5.0, 7.5.3). It
   * counts from the last login, as it was last stored: `regenerate` together with a change. `false` if nothing is stored
   * yet, and for a session that is nobody's, where sessions have owners.
   */
  isFresh(session: Session<D>, within: Duration): boolean

  /**
   * Drops what this request has changed and still changes, whatever the response is: only a `destroy` is carried out.
   * For a failure behind a success, such as a resolver that failed or a transaction that was rolled back. What `save`
   * has stored stays stored. Throws `SEALED` once the response has begun.
   */
  discard(session: Session<D>): void

  /**
   * Shows the session that a cookie opens, for example to look into a problem that a user has reported. `cookie` is the value of a `Cookie` header, or of
   * the session's cookie alone. It only reads: the session is not extended, and none of another library is taken over. Resolves
   * with `null` if it opens no live session. Rejects with the store's error, with `INVALID_VALUE` for anything but a text, and
   * with `DISABLED` if sessions are off.
   */
  inspect(cookie: string): Promise<SessionDetails<D> | null>

  /**
   * Resolves if the store answers now: for the readiness probe of a load balancer or of Kubernetes. A store on a server is
   * asked once, for a key that no session has, so it changes nothing and asks for no session; of several servers, one is
   * asked. The cookie store seals and opens a cookie. Rejects with the store's error, such as `UNAVAILABLE`, within the
   * store's deadline, and at once while the store has been given up; each call then also finds out whether it is back.
   * Rejects with `CLOSED` from the call of `close` on, and with `DISABLED` if sessions are off.
   */
  ready(): Promise<void>

  /**
   * Tries the store and looks at its set-up, for a deploy script or a health page of operators: begins, reads, changes and ends
   * one session, which is nobody's, and then asks the store what is wrong. Resolves with all of it, and with `[]` if all is
   * well. A store that fails is a finding, with the code of its error, such as `UNAVAILABLE`. Each call of the store takes no
   * longer than its `deadline`. Rejects with `CLOSED` after `close`, and with `DISABLED` if sessions are off.
   */
  check(): Promise<readonly Finding[]>

  /**
   * Removes the sessions from the store that have expired, and resolves with the number of entries that it removed: 0 if the
   * backend does that itself, or keeps nothing. Core does it every minute, except on Cloudflare Workers: there, call it from a
   * cron trigger. Rejects with the store's error, with `CLOSED` after `close`, and with `DISABLED` if sessions are off.
   */
  prune(): Promise<number>

  /**
   * Waits for the changes that are being stored, then closes the store, unless you passed the store in or other sessions
   * of the process share it. Later calls reject with `CLOSED`. Nobody watches sessions any more, so the signals of `watch`
   * are aborted, with a `CLOSED` error as their reason. Call it after the last request. `await using` calls it.
   */
  close(): Promise<void>
  // The symbol is declared in `lib` esnext.disposable. Without @ts-ignore, an application that has an older `lib` and
  // checks the declarations of its libraries would not compile. With @ts-expect-error, one that has it would not.
  /** @ts-ignore An older `lib` does not declare this symbol. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The options of `Sessions.watch`. */
export interface WatchOptions {
  /** How often the store is asked. Default `'10s'`, at most `'30s'`. */
  readonly every?: Duration | undefined
}

/** The sessions of one user. */
export interface Owner<D> {
  /** The live sessions, the one used last first. Rejects with the store's error. */
  sessions(): Promise<readonly OwnedSession<D>[]>

  /**
   * Ends sessions: all of them, all but one (the one of the device that asks), or the one of this `id`. Resolves with the
   * number of sessions that it ended. From then on nobody can use them, and requests under way cannot store them again. A
   * login that begins after a call without `id` stays; one that began before is refused with `CONFLICT`. Rejects with the
   * store's error: some of the sessions may then be alive, so call it again.
   */
  revoke(which?: { readonly except: Session<D> } | { readonly id: string }): Promise<number>
}

/** A session in the list of a user's. Its `id` stays the same for as long as it is this user's. */
export type OwnedSession<D> = SessionDetails<D>

/** A session, seen from outside its requests. */
export interface SessionDetails<D> {
  /** Its public name, as `Sessions.id` returns it. */
  readonly id: string
  /** When it began, or its user last logged in. */
  readonly startedAt: Date
  /** When it was last used, to a twentieth of the idle timeout. */
  readonly lastUsedAt: Date
  /** When it ends if it is not used again. */
  readonly expiresAt: Date
  /** What it holds. Read-only: a change throws `READ_ONLY`. */
  readonly data: Readonly<Data<D>>
}
