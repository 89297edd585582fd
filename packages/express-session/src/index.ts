/**
 * For applications that use express-session: `SessStore` keeps their sessions in any store of `@sess`.
 *
 * @module @sess/express-session
 */
export { SessStore, type SessStoreOptions } from './store.js'
export type { Callback, SessionMethods, SessionRequest, SessionStore, StoredData } from './store/types.js'
