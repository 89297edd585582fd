export { expressSession, sessionOf, type ExpressSessionOptions, type SessionMiddleware } from './middleware.js'
export type { RequestCookie, RequestCookieData } from './cookie.js'
export type { Callback, KnownData, RequestSession, RequestSessionMethods, SessionData } from './types.js'
