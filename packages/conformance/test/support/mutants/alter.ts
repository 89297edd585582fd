import type { Entry } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'

/** Alters an entry where it lies, and leaves it its version. */
export function alter(server: LineServer, scope: string, key: string, change: Partial<Entry>): void {
  const held = server.stored(scope, key)
  if (held) server.entriesOf(scope).set(key, { ...held, ...change })
}
