/**
 * Takes over the sessions that users have with another library, for the option `migrate` of `@sess/core`. Each function
 * takes the options that the application had with that library. Nothing writes the former formats.
 *
 * @module @sess/migrate
 */
export type { CallbackStore } from './callback-store.js'
export { connectRedis, type ConnectRedisOptions, type RedisClient } from './connect-redis.js'
export { cookieSession, type CookieSessionOptions } from './cookie-session.js'
export type { CookiePlace, FormerOptions } from './cookies.js'
export { expressSession, type ExpressSessionOptions } from './express-session.js'
export { fastifySecureSession, type FastifySecureSessionOptions } from './fastify-secure-session.js'
export { fastifySession, type FastifySessionOptions } from './fastify-session.js'
export { honoSessions, type HonoSessionsOptions } from './hono-sessions.js'
export { ironSession, type IronSessionOptions } from './iron-session.js'
export { koaSession, type KoaSessionOptions } from './koa-session.js'
export type { Signatures } from './signed-json.js'
export type { Secret, Secrets } from './secrets.js'
