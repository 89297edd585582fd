/**
 * The memory store: sessions are kept in the process. `sessions('memory', …)` finds it.
 *
 * @module @sess/adapter-memory
 */
import { constants } from 'node:buffer'
import { type Adapter, integer, optional, readOptions, serverStore, text } from '@sess/core/adapter'
import { joinScope } from './scope.js'

/** How much the process holds. `INVALID_OPTION` names an option that is wrong. */
export interface MemoryOptions {
  /** Stores of one scope in one process are one store. Default `'default'`. */
  readonly scope?: string | undefined
  /** How many sessions the scope holds at most. Default 100 000, at most 8 388 608. */
  readonly maxEntries?: number | undefined
  /** The longest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** A Map holds 2^24 places and needs half of them to reuse those of deleted entries. */
const MOST_ENTRIES = 2 ** 23

/** Keeps sessions in the process: gone when it ends, seen by no other. */
const memory: Adapter<MemoryOptions> = (options) => {
  const { scope: name, ...limits } = readOptions('memory', options, {
    scope: optional(text(), 'default'),
    maxEntries: optional(integer({ max: MOST_ENTRIES }), 100_000),
    maxBytes: optional(integer({ max: constants.MAX_STRING_LENGTH }), 2 ** 20),
  })
  const scope = joinScope(name, limits)
  return serverStore({
    name: 'memory',
    maxBytes: limits.maxBytes,
    deadline: 1000,
    lacks: ['durability'],
    ownsDeadline: true,
    create: (key, entry) => scope.create(key, entry),
    read: (key) => scope.read(key),
    update: (key, entry, version) => scope.update(key, entry, version),
    destroy: (key) => scope.destroy(key),
    prune: (now) => scope.prune(now),
    close: () => scope.leave(),
  })
}

export default memory
