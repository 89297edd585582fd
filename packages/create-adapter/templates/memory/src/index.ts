import type {} from '@sess/core' // declares the interface Adapters, which is extended below
import {
  type Adapter,
  type Entry,
  integer,
  newVersion,
  optional,
  readOptions,
  serverStore,
  type Stored,
  text,
  type Version,
} from '@sess/core/adapter'

/** The adapter's name: applications call `sessions(NAME, …)`. */
const NAME = 'placeholder'

export interface StoreOptions {
  /** Stores with the same scope in one process share their sessions. Default `'default'`. */
  readonly scope?: string | undefined
  /** The most data that one session may have, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** Stores sessions in the process: they end with it, and no other process sees them. */
const adapter: Adapter<StoreOptions> = (options) => {
  const { scope, maxBytes } = readOptions(NAME, options, {
    scope: optional(text(), 'default'),
    maxBytes: optional(integer(), 2 ** 20),
  })
  const { entries } = join(scope)

  // Versions are random, so that an old one never becomes current again. A counter would restart with the scope.
  function put(key: string, { data, expiresAt }: Entry): Version {
    const version = newVersion()
    entries.set(key, { data, expiresAt, version })
    return version
  }

  return serverStore({
    name: NAME,
    maxBytes,
    deadline: 1000,
    lacks: ['durability'],
    // No operation waits, so core need not watch the deadline.
    ownsDeadline: true,
    create: (key, entry) => (entries.has(key) ? null : put(key, entry)),
    read(key) {
      const stored = entries.get(key)
      return stored === undefined ? null : { ...stored }
    },
    update: (key, entry, version) => (entries.get(key)?.version === version ? put(key, entry) : null),
    destroy: (key) => void entries.delete(key),
    prune: (now) => prune(entries, now),
    close: () => leave(scope),
  })
}

export default adapter

declare module '@sess/core' {
  interface Adapters {
    [NAME]: StoreOptions
  }
}

interface Scope {
  readonly entries: Map<string, Stored>
  /** The number of open stores that share this scope. */
  stores: number
}

const scopes = new Map<string, Scope>()

function join(name: string): Scope {
  const scope = scopes.get(name) ?? { entries: new Map<string, Stored>(), stores: 0 }
  scopes.set(name, scope)
  scope.stores++
  return scope
}

/** The entries are dropped when the last store of their scope closes. */
function leave(name: string): void {
  const scope = scopes.get(name)
  if (scope !== undefined && --scope.stores === 0) scopes.delete(name)
}

/** The number of entries to examine before yielding to the event loop: some tens of microseconds. */
const STEP = 1000

/** Yields the number of entries that each step removed. */
function* prune(entries: Map<string, Stored>, now: number): Generator<number> {
  // Entries that are created during the loop come last in the map and are skipped.
  const last = entries.size
  let looked = 0
  let removed = 0
  for (const [key, { expiresAt }] of entries) {
    if (looked++ === last) break
    if (expiresAt <= now && entries.delete(key)) removed++
    if (looked % STEP !== 0) continue
    yield removed
    removed = 0
  }
  yield removed
}
