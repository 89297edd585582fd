import memory, { type MemoryOptions } from '@sess/adapter-memory'
import { createAdapterContext, type Entry, type ServerStore } from '@sess/core/adapter'
import { onTestFinished } from 'vitest'

export interface Call {
  readonly method: 'create' | 'read' | 'update' | 'destroy' | 'close'
  readonly key?: string
  readonly entry?: Entry
}

let scopes = 0

/** A separate memory store that records every call; it is closed when the test ends. */
export class CountedStore implements ServerStore {
  readonly contract = 1
  readonly kind = 'server'
  readonly name: string
  readonly maxBytes: number
  readonly deadline: number
  /** The calls since the test began or last emptied the list. */
  readonly calls: Call[] = []
  readonly #store: ServerStore

  constructor(options: MemoryOptions = {}) {
    const context = createAdapterContext({ secret: 'for the memory store, which derives no key' })
    const store = memory({ scope: `counted ${++scopes}`, ...options }, context)
    if (store.kind !== 'server') throw new Error('expected a server store')
    this.#store = store
    this.name = store.name
    this.maxBytes = store.maxBytes
    this.deadline = store.deadline
    onTestFinished(() => store.close())
  }

  get methods(): readonly Call['method'][] {
    return this.calls.map(({ method }) => method)
  }

  async create(key: string, entry: Entry): ReturnType<ServerStore['create']> {
    this.calls.push({ method: 'create', key, entry })
    return this.#store.create(key, entry)
  }

  async read(key: string): ReturnType<ServerStore['read']> {
    this.calls.push({ method: 'read', key })
    return this.#store.read(key)
  }

  async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
    this.calls.push({ method: 'update', key, entry })
    return this.#store.update(key, entry, version)
  }

  async destroy(key: string): Promise<void> {
    this.calls.push({ method: 'destroy', key })
    return this.#store.destroy(key)
  }

  async close(): Promise<void> {
    this.calls.push({ method: 'close' })
    return this.#store.close()
  }

  /** Empties the list of calls and returns their methods. */
  take(): readonly Call['method'][] {
    return this.calls.splice(0).map(({ method }) => method)
  }

  /** Removes the entries that have expired; resolves with how many there were. */
  async reclaim(now: number): Promise<number> {
    return (await this.#store.prune?.(now)) ?? 0
  }

  /** Removes all entries; resolves with how many there were. */
  async drain(): Promise<number> {
    return (await this.#store.prune?.(Number.MAX_SAFE_INTEGER)) ?? 0
  }
}
