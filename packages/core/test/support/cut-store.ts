import { type Entry, type ServerStore, SessError, type Stored, type Version } from '@sess/core/adapter'

/** What happens to one call, and to the calls after it. */
export const CUTS = [
  /** The process stops before it. */
  'stopped before',
  /** The process stops when the store has done it. */
  'stopped after',
  'fails',
  /** It is done, but the answer is lost. */
  'answer lost',
  /** It fails for the caller, and is done when all else is over. */
  'done late',
] as const

export type Cut = (typeof CUTS)[number]

interface Held {
  readonly entry: Entry
  readonly version: Version
}

/** Entries in memory that several stores share, and that can be copied. */
export class Entries {
  readonly #held: Map<string, Held>
  #versions: number

  constructor(held: ReadonlyMap<string, Held> = new Map(), versions = 0) {
    this.#held = new Map(held)
    this.#versions = versions
  }

  copy(): Entries {
    return new Entries(this.#held, this.#versions)
  }

  get(key: string): Stored | null {
    const held = this.#held.get(key)
    return held === undefined ? null : { ...held.entry, version: held.version }
  }

  /** `known`: the version that has to be there. `undefined`: none may. */
  put(key: string, entry: Entry, known: Version | undefined): Version | null {
    if (this.#held.get(key)?.version !== known) return null
    const version = String(++this.#versions)
    this.#held.set(key, { entry, version })
    return version
  }

  delete(key: string): void {
    this.#held.delete(key)
  }

  keys(): readonly string[] {
    return [...this.#held.keys()]
  }

  /** The number of entries that are kept until later than this time. */
  keptAfter(now: number): number {
    return [...this.#held.values()].filter(({ entry }) => entry.expiresAt > now).length
  }
}

/** A store on entries that others use too. One of its calls is cut. */
export class CutStore implements ServerStore {
  readonly contract = 1
  readonly kind = 'server'
  readonly name = 'cut'
  readonly maxBytes = 2 ** 20
  readonly deadline = 1000
  readonly #entries: Entries
  readonly #at: number
  readonly #cut: Cut | undefined
  #count = 0
  #isStopped = false
  #late: (() => unknown) | undefined

  /** `at`: the number of the call that is cut, from 1. */
  constructor(entries: Entries, at = 0, cut?: Cut) {
    this.#entries = entries
    this.#at = at
    this.#cut = cut
  }

  /** How many calls there were. */
  get count(): number {
    return this.#count
  }

  /** Does what was to be done late. */
  catchUp(): void {
    this.#late?.()
    this.#late = undefined
  }

  create(key: string, entry: Entry): Promise<Version | null> {
    return this.#call(() => this.#entries.put(key, entry, undefined))
  }

  read(key: string): Promise<Stored | null> {
    return this.#call(() => this.#entries.get(key))
  }

  update(key: string, entry: Entry, version: Version): Promise<Version | null> {
    return this.#call(() => this.#entries.put(key, entry, version))
  }

  destroy(key: string): Promise<void> {
    return this.#call(() => this.#entries.delete(key))
  }

  async close(): Promise<void> {}

  async #call<T>(work: () => T): Promise<T> {
    this.#count++
    const cut = this.#count === this.#at ? this.#cut : undefined
    if (cut === 'stopped before') this.#isStopped = true
    if (this.#isStopped) return never()
    if (cut === 'fails') throw down()
    if (cut === 'done late') {
      this.#late = work
      throw down()
    }
    const result = work()
    if (cut === 'answer lost') throw down()
    if (cut === 'stopped after') {
      this.#isStopped = true
      return never()
    }
    return result
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

function down(): SessError {
  return new SessError('UNAVAILABLE', 'The store is down.')
}
