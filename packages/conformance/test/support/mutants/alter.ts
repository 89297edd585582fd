import type { Entry } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'

/** Alters a stored entry in place, without changing its version. */
export function alter(server: LineServer, scope: string, key: string, change: Partial<Entry>): void {
  const held = server.stored(scope, key)
  if (held) server.entriesOf(scope).set(key, { ...held, ...change })
}
