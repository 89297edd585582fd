/** `-readonly`: a message gets its outcome while the work that it reports is under way. */
export type Growing<M> = { -readonly [K in keyof M]: M[K] }

/** How a session was opened. */
export type OpenOutcome =
  /** The request's cookie opens a live session, or one that has moved to a new token less than a minute ago. */
  | 'found'
  /** As `found`, with a token that was made with an older secret. */
  | 'rotated'
  /** No cookie, or none that opens a live session: what it opened has ended, or is no token. */
  | 'none'
  /** None of the request's cookies was made with a secret of this application, and one has the shape of a token. */
  | 'foreign'

/** What a commit does: begin a session, change it, extend it, move it to a new token, or end it. */
export type CommitWork = 'create' | 'update' | 'extend' | 'rotate' | 'end'

/** What core calls: a method of a store (`ServerStore`, or `ClientStore` for `seal` and `open`). */
export type StoreCall = 'create' | 'read' | 'update' | 'destroy' | 'prune' | 'check' | 'seal' | 'open'

/** Why a session ended. */
export type EndReason =
  /** By `destroy`, or because another user has logged in over it. */
  | 'logout'
  /** By `sess.owner(id).revoke`. */
  | 'revoked'
  /** A login of the same user was beyond `maxPerOwner`. */
  | 'limit'
  /** A request came with its cookie, and its time was over. */
  | 'expired'

interface Message {
  /** The store's name, such as `'redis'`. */
  readonly store: string
}

/** Of a tracing channel: set once the work has failed. */
interface TracedMessage extends Message {
  /**
   * Why the work failed. An error that is not core's, such as one thrown by a function that was passed to `update`, is a copy
   * of its name, message and code.
   */
  readonly error?: unknown
}

/** `tracingChannel('sess.open')`: a session is loaded for `open`, `read` or `watch`. */
export interface OpenMessage extends TracedMessage {
  /** The session's public name, as `sess.id` returns it. Left out until it is known, and if there is none. */
  readonly id?: string
  /** Left out until it is known. */
  readonly outcome?: OpenOutcome
}

/** `tracingChannel('sess.commit')`: what a request does to its session is stored, by `save` or for the response. */
export interface CommitMessage extends TracedMessage {
  /** The public name that the session has after it; of a session that ends, the one that it had. */
  readonly id?: string
  /** The public name that the session had, if a `rotate` gives it another one. */
  readonly previous?: string
  /** What the commit does. */
  readonly work: CommitWork
  /**
   * How many compare-and-swaps of the session's entry were tried: more than one if others have changed it meanwhile. Left out
   * if none was: in a `create`, and on a store that the browsers hold.
   */
  readonly attempts?: number
  /** The length of the session as it was stored, in bytes. Left out if nothing was. */
  readonly bytes?: number
}

/** `tracingChannel('sess.store')`: core calls the store. */
export interface StoreMessage extends TracedMessage {
  /** The method of the store. */
  readonly call: StoreCall
}

/** `channel('sess.begin')`: a session has begun, and is stored. */
export interface BeginMessage extends Message {
  /** The session's public name, as `sess.id` returns it. */
  readonly id: string
}

/**
 * `channel('sess.login')`: a user has logged in, and that is stored. With the option `owner`, a login gives the session an owner,
 * or is a `regenerate` with a change in the session of one. Without it, it is a `regenerate` with a change.
 */
export interface LoginMessage extends Message {
  /** The public name that the session has from now on. */
  readonly id: string
  /** The public name that the browser's session had before, which may be the same. Left out if there was none. */
  readonly previous?: string
}

/** `channel('sess.end')`: a session has ended. Each end is published by the process that has ended it. */
export interface EndMessage extends Message {
  /** The session's public name, as `sess.id` returned it. */
  readonly id: string
  /** Why it ended. */
  readonly reason: EndReason
}

/** `channel('sess.conflict')`: a request was refused (409), since another one has changed a key that it had read and then written. */
export interface ConflictMessage extends Message {
  /** The session's public name, as `sess.id` returns it. */
  readonly id?: string
  /** The key of the session, at most 120 characters of it. */
  readonly key: string
}

/** `channel('sess.migrate')`: a session of another library was taken over. */
export interface MigrateMessage {
  /** The name of the library's sessions, as the option `migrate` gives it. */
  readonly from: string
}
