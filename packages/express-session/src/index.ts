/**
 * For applications that use express-session: `expressSession` gives their handlers `req.session` over the sessions of `@sess`,
 * and `SessStore` keeps the sessions of express-session in any store of `@sess`.
 *
 * @module @sess/express-session
 */
export { expressSession, type ExpressSessionOptions, sessionOf, type SessionMiddleware } from './middleware.js'
export type { RequestCookie, RequestCookieData } from './cookie.js'
export type { KnownData, RequestSession, RequestSessionMethods, SessionData } from './types.js'
export { SessStore, type SessStoreOptions } from './store.js'
export type { Callback, SessionMethods, SessionRequest, SessionStore, StoredData } from './store/types.js'
