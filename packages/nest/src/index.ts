/**
 * Sessions of `@sess` in Nest: a module, a parameter decorator, a guard and an exception filter.
 *
 * @module @sess/nest
 */
export { CurrentSession } from './current-session.js'
export { SessErrorFilter } from './error-filter.js'
export { type SessAsyncOptions, SessModule } from './module.js'
export { InjectSess, SESS } from './provided.js'
export { SessionGuard } from './session-guard.js'
