/** For authors of adapters: the contract, and what several adapters would otherwise repeat. */
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
export { type Check, type Checked, type Checks, flag, integer, oneOf, optional, readOptions, text } from './check.js'
export { createAdapterContext } from './adapter-context.js'
export { type ErrorCode, isSessError, safeCause, SessError } from './error.js'
export { type ServerOperations, serverStore } from './server-store.js'
