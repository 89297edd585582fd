import { type Entry, unavailable, type Version } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'

/** Alters a stored entry in place, without changing its version. */
export function alter(server: LineServer, scope: string, key: string, change: Partial<Entry>): void {
  const held = server.stored(scope, key)
  if (held) server.entriesOf(scope).set(key, { ...held, ...change })
}

/** Stores an entry regardless of what is under the key, if the server takes writes. */
export function putIfOpen(server: LineServer, scope: string, key: string, entry: Entry): Version {
  const isRemoval = server.mode === 'full' && entry.expiresAt <= Date.now()
  if (server.mode !== 'open' && !isRemoval) throw unavailable('line')
  return server.put(scope, key, entry)
}
