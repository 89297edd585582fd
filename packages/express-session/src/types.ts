import type { RequestCookie } from './cookie.js'

/** Called once, later: with an error, or without. */
export type Callback = (error?: unknown) => void

/** What express-session's own types know of sessions, where they are installed. */
type InstalledSessionData = Installed<
  // Without @ts-ignore, an application without those types would not compile. @ts-expect-error would fail with them.
  /** @ts-ignore May not be installed. */
  import('express-session').SessionData
>

/** An import that failed is `any`. The tuples keep the compiler from deciding the condition too early. */
type Installed<D> = [0] extends [1 & D] ? object : [unknown] extends [D] ? object : [D] extends [never] ? object : D

/**
 * What `req.session` holds. Add your own keys, or keep those that you have added to the interface of the same name of
 * express-session:
 *
 *     declare module '@sess/express-session' {
 *       interface SessionData { user: string }
 *     }
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- Applications add to it.
export interface SessionData {}

/** What `req.session` holds if nothing else is said. */
export type KnownData = Omit<InstalledSessionData, 'cookie'> & SessionData

/** `req.session`, as express-session's users know it. Any key of the data may be missing. */
export type RequestSession<D = KnownData> = Partial<D> & RequestSessionMethods

export interface RequestSessionMethods {
  /** The session's public name. Not the credential that it is in express-session. */
  readonly id: string
  /** How long the session lives. */
  readonly cookie: RequestCookie
  /** Stores the changes now. They are stored before the response leaves anyway. */
  save(callback?: Callback): this
  /** Drops the changes, reads the session again, and puts it into `req.session`. */
  reload(callback?: Callback): this
  /** Ends the session, removes `req.session`, and calls back once that is stored. */
  destroy(callback?: Callback): this
  /** Ends the session, and puts a new one into `req.session` that holds nothing. */
  regenerate(callback?: Callback): this
  /** Does nothing: a session is extended by use. */
  touch(): this
  /** Does nothing: a session is extended by use. */
  resetMaxAge(): this
}
