/**
 * Sessions for applications. `sessions(…)` turns sessions on and returns a `Sessions`, whose `open` returns the
 * `Session` of a request. Authors of adapters also use `@sess/core/adapter`.
 *
 * @module @sess/core
 */
export { sessions } from './application/sessions.js'
export type {
  CoreOptions,
  OwnedSession,
  Owner,
  OwnerKey,
  RememberOptions,
  SessionDetails,
  Sessions,
  WatchOptions,
} from './application/types.js'
export type { Finding } from './contract.js'
export { type ErrorCode, type ErrorStatus, SessError } from './error.js'
export type { CookieOptions, Exchange, ExchangeOptions, Headers, SeenHeaders, SessionCookie } from './exchange/types.js'
export type { AdapterOptions, Adapters } from './loading/adapters.js'
export type { NodeRequest } from './node/request.js'
export type { NodeResponse } from './node/response.js'
export type {
  BeginMessage,
  CommitMessage,
  CommitWork,
  ConflictMessage,
  EndMessage,
  EndReason,
  LoginMessage,
  MigrateMessage,
  OpenMessage,
  OpenOutcome,
  StoreCall,
  StoreMessage,
} from './observing/messages.js'
export type { Duration } from './options/duration.js'
export type { AnyData, Data, ReservedKey, Session, SessionMethods } from './session/session.js'
export type { SchemaIssue, SchemaResult, StandardSchema } from './session/standard-schema.js'
export type { Storable } from './session/storable.js'
export type { Json } from './session/values.js'
