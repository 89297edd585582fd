import type { ServerClause } from '../../case.js'
import { farAhead, soonOrPast } from './date.js'
import { neverEarly } from './early.js'
import { oneMind } from './mind.js'
import { pruning } from './prune.js'
import { reclaiming } from './reclaim.js'

export const expiry: readonly ServerClause[] = [reclaiming, neverEarly, pruning, farAhead, soonOrPast, oneMind]
