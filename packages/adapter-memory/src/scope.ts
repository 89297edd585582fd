import { randomBytes } from 'node:crypto'
import { type Entry, processWide, SessError, type Stored, type Version } from '@sess/core/adapter'

export interface Limits {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** Entries that `prune` checks in one turn of the event loop. They take a few tens of microseconds. */
const STEP = 1000
/**
 * After a sweep of a full scope, no sweep starts for this many times its duration. Sweeps take at most 5 % of the time.
 */
const REST = 20

interface Shared {
  readonly scopes: Map<string, Scope>
  /** Random, so that versions differ from those of other processes. */
  readonly origin: string
  /** One counter for the whole process, so that no version is used again if a key or a scope is. */
  writes: number
}

/** Called when the first store is made: some runtimes have no randomness while modules are loaded. */
function sharedByCopies(): Shared {
  return processWide('@sess/adapter-memory scopes/1', () => ({
    scopes: new Map(),
    origin: randomBytes(9).toString('base64url'),
    writes: 0,
  }))
}

/** Joins the scope of that name, and creates it if it does not exist. */
export function joinScope(name: string, limits: Limits): Scope {
  const shared = sharedByCopies()
  const { scopes } = shared
  const scope = scopes.get(name) ?? new Scope(name, limits, shared)
  scope.join(limits)
  scopes.set(name, scope)
  return scope
}

/** The sessions that all stores of one scope share. */
export class Scope {
  readonly #name: string
  readonly #limits: Limits
  readonly #shared: Shared
  readonly #entries = new Map<string, Stored>()
  #instances = 0
  /** No entry expires before this. */
  #earliest = Infinity
  #restsUntil = 0

  constructor(name: string, limits: Limits, shared: Shared) {
    this.#shared = shared
    this.#name = name
    this.#limits = limits
  }

  join(limits: Limits): void {
    for (const limit of ['maxEntries', 'maxBytes'] as const) {
      if (limits[limit] === this.#limits[limit]) continue
      throw new SessError(
        'INVALID_OPTION',
        `Option memory.${limit} is ${limits[limit]}; expected ${this.#limits[limit]}, as in the store that opened the scope. ` +
          'Give both stores the same limits, or different scopes.',
      )
    }
    this.#instances++
  }

  leave(): void {
    if (--this.#instances === 0) this.#shared.scopes.delete(this.#name)
  }

  create(key: string, entry: Entry): Version | null {
    if (this.#entries.has(key)) return null
    if (this.#isFull()) this.#makeRoom()
    return this.#put(key, entry)
  }

  read(key: string): Stored | null {
    const found = this.#entries.get(key)
    return found === undefined ? null : { ...found }
  }

  update(key: string, entry: Entry, version: Version): Version | null {
    return this.#entries.get(key)?.version === version ? this.#put(key, entry) : null
  }

  destroy(key: string): void {
    this.#entries.delete(key)
  }

  /** Yields the number of entries that each step removed. */
  *prune(now: number): Generator<number> {
    // Entries that are created during the prune come last in the map, and need no check.
    let left = this.#entries.size
    let removed = 0
    for (const [key, { expiresAt }] of this.#entries) {
      if (left-- === 0) break
      if (expiresAt <= now && this.#entries.delete(key)) removed++
      if (left % STEP !== 0) continue
      yield removed
      removed = 0
    }
  }

  #isFull(): boolean {
    return this.#entries.size >= this.#limits.maxEntries
  }

  #makeRoom(): void {
    const began = performance.now()
    if (began >= this.#restsUntil && Date.now() >= this.#earliest) {
      this.#sweep(Date.now())
      const ended = performance.now()
      this.#restsUntil = ended + REST * (ended - began)
    }
    if (!this.#isFull()) return
    throw new SessError(
      'UNAVAILABLE',
      `The memory store is full: it holds ${this.#limits.maxEntries} sessions, and none is evicted before it expires. ` +
        'Raise maxEntries, shorten idleTimeout, or use a store outside the process.',
    )
  }

  #sweep(now: number): void {
    this.#earliest = Infinity
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt <= now) this.#entries.delete(key)
      else this.#earliest = Math.min(this.#earliest, expiresAt)
    }
  }

  #put(key: string, { data, expiresAt }: Entry): Version {
    const version = `${this.#shared.origin}${(++this.#shared.writes).toString(36)}`
    this.#entries.set(key, { data, expiresAt, version })
    this.#earliest = Math.min(this.#earliest, expiresAt)
    return version
  }
}
