import { isSessError, SessError, type ServerStore, type Stored } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'
import { type Change, mutant, type Mutant, type Surroundings } from '../mutant.ts'
import { never } from './watch.ts'

/** Changes methods for keys with foreign bytes. */
function foreign(how: (server: LineServer, scope: string, key: string) => Partial<ServerStore>) {
  return ({ server }: Surroundings): Change =>
    (store, scope) => {
      const at = (key: string): ServerStore =>
        server.held(scope, key) instanceof Uint8Array ? { ...store, ...how(server, scope, key) } : store
      return {
        create: (key, entry) => at(key).create(key, entry),
        read: (key) => at(key).read(key),
        update: (key, entry, version) => at(key).update(key, entry, version),
        destroy: (key) => at(key).destroy(key),
      }
    }
}

function textOf(server: LineServer, scope: string, key: string): string {
  const held = server.held(scope, key)
  return held instanceof Uint8Array ? Buffer.from(held).toString() : ''
}

export const foreignMutants: readonly Mutant[] = [
  mutant('7.3', 'reads foreign bytes as null', { stores: foreign(() => ({ read: async () => null })) }),
  mutant('7.3', 'reads foreign bytes as an entry', {
    stores: foreign((server, scope, key) => ({
      read: async () => ({ data: textOf(server, scope, key), expiresAt: 1, version: 'none' }),
    })),
  }),
  mutant('7.3', 'hangs at foreign bytes', { stores: foreign(() => ({ read: () => never() })) }),
  mutant('7.3', 'fails at foreign bytes with another error', {
    stores: foreign(() => ({ read: () => Promise.reject(new TypeError('not an entry')) })),
  }),
  mutant('7.3', 'shows foreign bytes in its message', {
    stores: foreign((server, scope, key) => ({
      read: () => Promise.reject(new SessError('CORRUPT', `No entry: ${textOf(server, scope, key)}`)),
    })),
  }),
  mutant('7.3', 'creates over foreign bytes', {
    stores: foreign((server, scope) => ({ create: async (key, entry) => server.put(scope, key, entry) })),
  }),
  mutant('7.3', 'updates foreign bytes that start with the version', {
    stores: foreign((server, scope) => ({
      update: async (key, entry, version) =>
        version !== '' && textOf(server, scope, key).startsWith(version) ? server.put(scope, key, entry) : null,
    })),
  }),
  mutant('7.3', 'does not destroy foreign bytes', { stores: foreign(() => ({ destroy: async () => {} })) }),
  mutant('7.3', "reads somebody else's entry after foreign bytes", {
    stores: () => (store) => {
      let last: Stored | undefined
      return {
        async create(key, entry) {
          const version = await store.create(key, entry)
          if (version !== null) last = { ...entry, version }
          return version
        },
        async read(key) {
          try {
            return await store.read(key)
          } catch (error) {
            if (last === undefined || !isSessError(error) || error.code !== 'CORRUPT') throw error
            return last
          }
        },
      }
    },
  }),
]
