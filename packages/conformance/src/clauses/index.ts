import type { ServerClause } from '../case.js'
import { create } from './create.js'
import { destroy } from './destroy.js'
import { everything } from './everything.js'
import { expiry } from './expiry.js'
import { failure } from './failure/index.js'
import { isolation } from './isolation.js'
import { object } from './object.js'
import { read } from './read.js'
import { update } from './update.js'

export { client as clientClauses } from './client.js'

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
]
