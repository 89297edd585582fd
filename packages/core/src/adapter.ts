/**
 * For authors of adapters: the store contract, and helpers that adapters share.
 *
 * @module @sess/core/adapter
 */
export type {
  Adapter,
  AdapterContext,
  ClientStore,
  Entry,
  Finding,
  Lack,
  Opened,
  ServerStore,
  Store,
  Stored,
  Version,
} from './contract.js'
export {
  type Check,
  type Checked,
  type Checks,
  flag,
  integer,
  invalidOption,
  oneOf,
  optional,
  readOptions,
  text,
} from './options/check.js'
export { exclusive } from './options/exclusive.js'
export type { FormerCookie, FormerData, FormerSession, FormerSessions } from './storage/former.js'
export { like } from './options/like.js'
export { assertSessions } from './options/sessions.js'
export { url, type UrlShape } from './options/url.js'
export type { Callee } from './loading/caller.js'
export { buildStep } from './application/build-step.js'
export { openStore, type StandaloneOptions, type StandaloneStore } from './application/standalone-store.js'
export { createAdapterContext } from './loading/adapter-context.js'
export { codeOf, type ErrorCode, isError, isSessError, safeCause, SessError } from './error.js'
export { processWide } from './process-wide.js'
export { type Duration, duration, MAX_TIME } from './options/duration.js'
export type { NameOrAdapter, StoreOptions } from './loading/adapters.js'
export { deadline, late, within } from './adapter-kit/deadline.js'
export { frame, newVersion, unframe } from './adapter-kit/frame.js'
export { fillRandom } from './crypto/random.js'
export { gatherWrites } from './adapter-kit/gather-writes.js'
export { corrupt, type ServerOperations, serverStore, unavailable } from './adapter-kit/server-store.js'
export { Lender, type ConnectionPool, type Use } from './adapter-kit/lender.js'
export { storedRow } from './adapter-kit/stored-row.js'
export {
  type SqlFault,
  type SqlOperations,
  type SqlPool,
  type SqlResult,
  type SqlStatements,
  sqlStore,
  type SqlValue,
} from './adapter-kit/sql-store.js'
