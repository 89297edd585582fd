/** Called once, never before the call that it was given to has returned. */
export type Callback = (error?: unknown) => void

/** What is stored of a session: everything in it, as JSON carries it, with its cookie. */
export interface StoredData {
  /** Its `expires` is text, as in the JSON of a `Date`. `null`, or none: the option `ttl` decides. */
  cookie: { expires?: string | null; originalMaxAge?: number | null }
  [key: string]: unknown
}

/** What a session needs of its request. express-session puts it there. */
export interface SessionRequest {
  /** The id of its session. */
  sessionID: string
  /** The store that its session is in. */
  sessionStore?: SessionStore
  /** Its session. */
  session?: unknown
}

/** What a session needs of its store. */
export interface SessionStore {
  /** Calls back with what is stored of a session; `null` or `undefined`: nothing is. */
  get(sid: string, callback: (error: unknown, data?: object | null) => void): void
  /** Stores a session. */
  set(sid: string, session: object, callback?: Callback): void
  /** Ends a session. */
  destroy(sid: string, callback?: Callback): void
  /** Ends the session of a request, and gives the request a new one. */
  regenerate(request: SessionRequest, callback: Callback): void
  /** Gives a request the session that is stored as `data`. */
  createSession(request: SessionRequest, data: object): unknown
}

/** What `req.session` has beside the data: the methods of express-session's sessions. */
export interface SessionMethods {
  /** The session's id, which is in the browser's cookie. It opens the session. */
  readonly id: string
  /** Ends this session and gives the request a new one, which is empty and has another id. */
  regenerate(callback: Callback): this
  /** Ends this session, and takes it from the request. */
  destroy(callback?: Callback): this
  /** Gives the request the session as it is stored now. An error if it has ended. */
  reload(callback: Callback): this
  /** Sets `cookie.maxAge` to `cookie.originalMaxAge`. */
  resetMaxAge(): this
  /** Stores the session. express-session does so at the end of each request that changed it. */
  save(callback?: Callback): this
  /** Does what `resetMaxAge` does. */
  touch(): this
}
