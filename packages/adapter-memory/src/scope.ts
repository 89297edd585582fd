import { randomBytes } from 'node:crypto'
import { type Entry, SessError, type Stored, type Version } from '@sess/core/adapter'

export interface Limits {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** Entries looked at between two turns of the event loop: some tens of microseconds. */
const STEP = 1000
/** A sweep of a full scope is followed by a rest this many times as long: at most 5 % of the time. */
const REST = 20

const scopes = new Map<string, Scope>()

// One counter for the process, so that no version comes back with a key or a scope that does; behind
// random bytes, so that none equals a version made elsewhere.
const origin = randomBytes(9).toString('base64url')
let writes = 0

/** Joins the scope of that name, and makes it if there is none. */
export function joinScope(name: string, limits: Limits): Scope {
  const scope = scopes.get(name) ?? new Scope(name, limits)
  scope.join(limits)
  scopes.set(name, scope)
  return scope
}

/** One store in this process, whichever instances share it. */
export class Scope {
  readonly #name: string
  readonly #limits: Limits
  readonly #entries = new Map<string, Stored>()
  #instances = 0
  /** No entry expires before this. */
  #earliest = Infinity
  #restsUntil = 0

  constructor(name: string, limits: Limits) {
    this.#name = name
    this.#limits = limits
  }

  join(limits: Limits): void {
    for (const limit of ['maxEntries', 'maxBytes'] as const) {
      if (limits[limit] === this.#limits[limit]) continue
      throw new SessError(
        'INVALID_OPTION',
        `Option memory.${limit} is ${limits[limit]}; expected ${this.#limits[limit]}, with which its scope is open. ` +
          'Give both stores the same limits, or scopes of their own.',
      )
    }
    this.#instances++
  }

  leave(): void {
    if (--this.#instances === 0) scopes.delete(this.#name)
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

  /** Yields how many each step removed. */
  *prune(now: number): Generator<number> {
    // What is created meanwhile comes last in the map, and need not be looked at.
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
      `The memory store is full: it holds ${this.#limits.maxEntries} sessions and evicts none before it expires. ` +
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
    const version = `${origin}${(++writes).toString(36)}`
    this.#entries.set(key, { data, expiresAt, version })
    this.#earliest = Math.min(this.#earliest, expiresAt)
    return version
  }
}
