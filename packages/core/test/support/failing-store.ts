import { type Entry, type ServerStore, SessError } from '@sess/core/adapter'
import { CountedStore } from './counted-store.ts'

/** A memory store whose methods in `failing` throw UNAVAILABLE, as if the backend were unreachable. */
export class FailingStore extends CountedStore {
  readonly failing = new Set<'create' | 'read' | 'update' | 'destroy'>()

  override async create(key: string, entry: Entry): ReturnType<ServerStore['create']> {
    this.#assertUp('create')
    return super.create(key, entry)
  }

  override async read(key: string): ReturnType<ServerStore['read']> {
    this.#assertUp('read')
    return super.read(key)
  }

  override async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
    this.#assertUp('update')
    return super.update(key, entry, version)
  }

  override async destroy(key: string): Promise<void> {
    this.#assertUp('destroy')
    return super.destroy(key)
  }

  #assertUp(method: 'create' | 'read' | 'update' | 'destroy'): void {
    if (this.failing.has(method)) throw new SessError('UNAVAILABLE', 'The store is down.')
  }
}
