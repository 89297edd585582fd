import { type Entry, type ServerStore, SessError } from '@sess/core/adapter'
import { CountedStore } from './counted-store.ts'
import { Signal } from './signal.ts'

/** A memory store whose writes a test can stall or make fail. */
export class TroubledStore extends CountedStore {
  /** Makes every write throw UNAVAILABLE, as if the backend were unreachable. */
  isDown = false
  #arrival = new Signal()
  #passage: Signal | undefined

  /** Lets no write through until `release`. */
  stall(): void {
    this.#arrival = new Signal()
    this.#passage = new Signal()
  }

  /** Resolves when a write has arrived after `stall`. */
  get reached(): Promise<void> {
    return this.#arrival.happened
  }

  release(): void {
    this.#passage?.fire()
    this.#passage = undefined
  }

  override async create(key: string, entry: Entry): ReturnType<ServerStore['create']> {
    await this.#admit()
    return super.create(key, entry)
  }

  override async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
    await this.#admit()
    return super.update(key, entry, version)
  }

  override async destroy(key: string): Promise<void> {
    await this.#admit()
    return super.destroy(key)
  }

  async #admit(): Promise<void> {
    this.#arrival.fire()
    await this.#passage?.happened
    if (this.isDown) throw new SessError('UNAVAILABLE', 'The store is down.')
  }
}
