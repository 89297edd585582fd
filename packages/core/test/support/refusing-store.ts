import type { Entry, ServerStore } from '@sess/core/adapter'
import { CountedStore } from './counted-store.ts'

/** A memory store that, while `refuses` is set, treats every version as out of date. */
export class RefusingStore extends CountedStore {
  refuses = false

  override async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
    return super.update(key, entry, this.refuses ? 'out of date' : version)
  }
}
