import type { Entry, ServerStore, Stored } from '@sess/core/adapter'
import { CountedStore } from './counted-store.ts'

export const DEADLINE = 1000

/** A memory store whose calls take as long as a test says, and whose updates may find that another was faster. */
export class SlowStore extends CountedStore {
  override readonly deadline = DEADLINE
  /** How long the next calls of each method take, in milliseconds; the last one is also for those after it. */
  readonly takes: Partial<Record<'create' | 'read' | 'update' | 'destroy', readonly number[]>> = {}
  /** How many of the next updates find another version than the current one. */
  refusals = 0

  override async create(key: string, entry: Entry): ReturnType<ServerStore['create']> {
    await this.#pass('create')
    return super.create(key, entry)
  }

  override async read(key: string): Promise<Stored | null> {
    await this.#pass('read')
    return super.read(key)
  }

  override async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
    const isRefused = this.refusals > 0
    if (isRefused) this.refusals--
    await this.#pass('update')
    return super.update(key, entry, isRefused ? 'out of date' : version)
  }

  override async destroy(key: string): Promise<void> {
    await this.#pass('destroy')
    return super.destroy(key)
  }

  async #pass(method: 'create' | 'read' | 'update' | 'destroy'): Promise<void> {
    const [next = 0, ...rest] = this.takes[method] ?? []
    if (rest.length > 0) this.takes[method] = rest
    if (next > 0) await new Promise((resolve) => setTimeout(resolve, next))
  }
}
