import type {} from '@sess/core' // for its interface Adapters, below
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

/** By this name `sessions` finds the adapter. */
const NAME = 'placeholder'

export interface StoreOptions {
  /** Stores of one scope in one process are one store. Default `'default'`. */
  readonly scope?: string | undefined
  /** The longest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** Keeps sessions in the process: gone when it ends, seen by no other. */
const adapter: Adapter<StoreOptions> = (options) => {
  const { scope, maxBytes } = readOptions(NAME, options, {
    scope: optional(text(), 'default'),
    maxBytes: optional(integer(), 2 ** 20),
  })
  const { entries } = join(scope)

  // A version never comes back, so it is random and not a count.
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
    // No operation waits for anything.
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
  /** How many open stores share it. */
  stores: number
}

const scopes = new Map<string, Scope>()

function join(name: string): Scope {
  const scope = scopes.get(name) ?? { entries: new Map<string, Stored>(), stores: 0 }
  scopes.set(name, scope)
  scope.stores++
  return scope
}

/** The last one takes the entries along. */
function leave(name: string): void {
  const scope = scopes.get(name)
  if (scope !== undefined && --scope.stores === 0) scopes.delete(name)
}

/** Entries looked at between two turns of the event loop: some tens of microseconds. */
const STEP = 1000

/** Yields how many each step removed. */
function* prune(entries: Map<string, Stored>, now: number): Generator<number> {
  // What is created meanwhile comes last in the map, and need not be looked at.
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
