import type { ServerClause } from '../case.js'
import { checking } from './10-check.js'
import { create } from './01-create.js'
import { destroy } from './04-destroy.js'
import { everything } from './09-concurrency.js'
import { expiry } from './06-expiry/index.js'
import { failure } from './07-failure/index.js'
import { isolation } from './05-isolation.js'
import { object } from './10-object.js'
import { read } from './02-read.js'
import { update } from './03-update.js'

export { client as clientClauses } from './08-client/index.js'

/** The clauses of a server store, in the order of the contract. */
export const serverClauses: readonly ServerClause[] = [
  ...create,
  ...read,
  ...update,
  ...destroy,
  ...isolation,
  ...expiry,
  ...failure,
  ...everything,
  ...object,
  checking,
]
