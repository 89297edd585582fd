/**
 * The memory store: sessions in the memory of the process. `sessions('memory', …)` loads it.
 *
 * @module @sess/adapter-memory
 */
import { constants } from 'node:buffer'
import { type Adapter, type Finding, integer, optional, readOptions, serverStore, text } from '@sess/core/adapter'
import { joinScope } from './scope.js'

/** The package and its version. The build puts it here. */
declare const PACKAGE_ID: string

/** The limits of the store. A wrong option throws `INVALID_OPTION`, which names it. */
export interface MemoryOptions {
  /** All stores with the same scope in one process share their sessions. Default `'default'`. */
  readonly scope?: string | undefined
  /** The most sessions in the scope. Default 100 000, maximum 8 388 608. */
  readonly maxEntries?: number | undefined
  /** The largest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** A Map has 2^24 slots, and needs half of them free to reuse the slots of deleted entries. */
const MOST_ENTRIES = 2 ** 23

const UNSHARED: Finding = {
  code: 'MEMORY_UNSHARED',
  severity: 'warning',
  message:
    'The memory store keeps sessions in this process alone: they end with it, and other processes do not see them. Where that matters, use redis, memcache or sqlite.',
}

/** Stores sessions in the memory of the process. Other processes do not see them, and they end with the process. */
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
    check: () => [UNSHARED],
    close: () => scope.leave(),
  })
}

Object.assign(memory, { id: PACKAGE_ID })

export default memory
