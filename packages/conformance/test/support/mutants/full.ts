import { newVersion, type ServerStore, unavailable } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'
import { type Defect, mutant, type Mutant } from '../mutant.ts'

/** What a store does while the server is in a mode. */
function inMode(
  mode: LineServer['mode'],
  how: (store: ServerStore, server: LineServer, scope: string) => Partial<ServerStore>,
): Defect {
  return {
    isApart: true,
    stores:
      ({ server }) =>
      (store, scope) => {
        const changed = { ...store, ...how(store, server, scope) }
        const now = (): ServerStore => (server.mode === mode ? changed : store)
        return {
          create: (key, entry) => now().create(key, entry),
          read: (key) => now().read(key),
          update: (key, entry, version) => now().update(key, entry, version),
          destroy: (key) => now().destroy(key),
        }
      },
  }
}

async function refused(): Promise<never> {
  throw unavailable('line')
}

export const fullMutants: readonly Mutant[] = [
  mutant(
    '7.8',
    'does not read while the backend is full',
    inMode('full', () => ({ read: refused })),
  ),
  mutant(
    '7.8',
    'reads null while the backend is full',
    inMode('full', () => ({ read: async () => null })),
  ),
  mutant(
    '7.8',
    'does not destroy while the backend is full',
    inMode('full', () => ({ destroy: refused })),
  ),
  mutant(
    '7.8',
    'does not end a session while the backend is full',
    inMode('full', () => ({ update: refused })),
  ),
  mutant(
    '7.8',
    'reports a key as taken while the backend is full',
    inMode('full', () => ({ create: async () => null })),
  ),
  mutant(
    '7.8',
    'reports a version as not current while the backend is full',
    inMode('full', (store) => ({ update: (...call) => store.update(...call).catch(() => null) })),
  ),
  mutant(
    '7.8',
    'claims to have created while the backend is full',
    inMode('full', () => ({ create: async () => newVersion() })),
  ),
  mutant(
    '7.8',
    'claims to have updated while the backend is full',
    inMode('full', (store) => ({ update: (...call) => store.update(...call).catch(() => newVersion()) })),
  ),
  mutant(
    '7.8',
    'removes an entry that it cannot replace while the backend is full',
    inMode('full', (store, server, scope) => ({
      async update(key, entry, version) {
        if (server.stored(scope, key)?.version === version) server.entriesOf(scope).delete(key)
        return store.update(key, entry, version)
      },
    })),
  ),
  mutant(
    '7.8',
    'ends a session by an entry that never expires while the backend is full',
    inMode('full', (store, server, scope) => ({
      async update(key, entry, version) {
        const held = server.stored(scope, key)
        return entry.expiresAt === 1 && held?.version === version ? held.version : store.update(key, entry, version)
      },
    })),
  ),
  mutant(
    '7.8',
    'does not read while the backend is read-only',
    inMode('read-only', () => ({ read: refused })),
  ),
  mutant(
    '7.8',
    'reads null while the backend is read-only',
    inMode('read-only', () => ({ read: async () => null })),
  ),
  mutant(
    '7.8',
    'reports a key as taken while the backend is read-only',
    inMode('read-only', () => ({ create: async () => null })),
  ),
  mutant(
    '7.8',
    'reports a version as not current while the backend is read-only',
    inMode('read-only', () => ({ update: async () => null })),
  ),
  mutant(
    '7.8',
    'claims to have destroyed while the backend is read-only',
    inMode('read-only', () => ({ destroy: async () => undefined })),
  ),
  mutant('7.8', 'stays refused once a write was refused', {
    isApart: true,
    stores:
      ({ server }) =>
      (store) => {
        let isRefusing = false
        const create: ServerStore['create'] = async (key, entry) => {
          try {
            return isRefusing ? await refused() : await store.create(key, entry)
          } finally {
            isRefusing ||= server.mode !== 'open'
          }
        }
        return { create }
      },
  }),
]
