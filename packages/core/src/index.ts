/**
 * Sessions for an application: `sessions(…)` turns them on, and makes the `Sessions` whose `open` gives each request
 * its `Session`. Authors of adapters use `@sess/core/adapter` beside it.
 *
 * @module @sess/core
 */
export type { AdapterOptions, Adapters } from './adapters.js'
export type {
  Adapter,
  AdapterContext,
  ClientStore,
  Entry,
  Lack,
  Opened,
  ServerStore,
  Store,
  Stored,
  Version,
} from './contract.js'
export type { CookieOptions } from './cookie.js'
export type { Json } from './fields.js'
export type { Duration } from './duration.js'
export { type ErrorCode, type ErrorStatus, SessError } from './error.js'
export type { Exchange, Headers, SeenHeaders } from './exchange.js'
export type { NodeRequest, NodeResponse } from './node.js'
export type { CoreOptions } from './options.js'
export type { AnyData, Data, ReservedKey, Session, SessionMethods, Storable } from './session.js'
export { type Sessions, sessions } from './sessions.js'
