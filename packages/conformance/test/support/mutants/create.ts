import { setImmediate as turn } from 'node:timers/promises'
import { type Entry, isSessError, SessError } from '@sess/core/adapter'
import { MAX_BYTES } from '../line-store.ts'
import { type Defect, mutant, type Mutant } from '../mutant.ts'
import { alter, putIfOpen } from './alter.ts'
import { pruneFirst } from './prune.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Alters every entry before it is created. */
function written(how: (entry: Entry) => Entry): Defect {
  return {
    stores: () => (store) => ({
      create: async (key, entry) => store.create(key, how(entry)),
    }),
  }
}

/** Treats foreign bytes as a taken key. */
function unlessCorrupt(error: unknown): 'something' {
  if (isSessError(error) && error.code === 'CORRUPT') return 'something'
  throw error
}

export const createMutants: readonly Mutant[] = [
  mutant(
    '1.1',
    'cuts data at NUL',
    written(({ data, expiresAt }) => ({ data: data.split('\0', 1).join(''), expiresAt })),
  ),
  mutant(
    '1.1',
    'composes letters',
    written(({ data, expiresAt }) => ({ data: data.normalize('NFC'), expiresAt })),
  ),
  mutant(
    '1.1',
    'adds a millisecond to an expiry within the hour',
    written(({ data, expiresAt }) => {
      const left = expiresAt - Date.now()
      return { data, expiresAt: left > MINUTE + 1 && left < HOUR ? expiresAt + 1 : expiresAt }
    }),
  ),
  mutant(
    '1.1',
    'counts line breaks twice against maxBytes',
    written((entry) => {
      if (Buffer.byteLength(entry.data.replaceAll('\n', '\r\n')) <= MAX_BYTES) return entry
      throw new SessError('UNAVAILABLE', 'The line store has no room for that.')
    }),
  ),
  mutant('1.1', 'declares a maxBytes that it does not accept', {
    stores: () => (store) => ({
      maxBytes: MAX_BYTES + 1,
      create(key, entry) {
        if (Buffer.byteLength(entry.data) <= MAX_BYTES) return store.create(key, entry)
        return Promise.reject(new SessError('UNAVAILABLE', 'The line store has no room for that.'))
      },
    }),
  }),
  mutant('1.2', 'extends the entry that holds a taken key', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async create(key, entry) {
          const version = await store.create(key, entry)
          if (version === null) alter(server, scope, key, { expiresAt: entry.expiresAt + 1000 })
          return version
        },
      }),
  }),
  mutant('1.2', 'accepts a create that repeats an earlier one', {
    stores: () => (store) => ({
      async create(key, entry) {
        const version = await store.create(key, entry)
        if (version !== null) return version
        const found = await store.read(key).catch(() => null)
        return found?.data === entry.data && found.expiresAt === entry.expiresAt ? found.version : null
      },
    }),
  }),
  mutant('1.3', 'checks whether a key is free, and then writes', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async create(key, entry) {
          if ((await store.read(key).catch(unlessCorrupt)) !== null) return null
          await turn()
          return putIfOpen(server, scope, key, entry)
        },
      }),
  }),
  mutant('1.4', 'keeps the expiry of a destroyed entry', {
    stores: ({ server }) => {
      const former = new Map<string, number>()
      return (store, scope) => ({
        create(key, { data, expiresAt }) {
          const place = `${scope}/${key}`
          const given = { data, expiresAt: former.get(place) ?? expiresAt }
          former.delete(place)
          return store.create(key, given)
        },
        destroy(key) {
          const held = server.stored(scope, key)
          if (held) former.set(`${scope}/${key}`, held.expiresAt)
          return store.destroy(key)
        },
      })
    },
  }),
  mutant('1.4', 'remembers which keys it has created', {
    stores: () => (store) => {
      const taken = new Set<string>()
      return {
        async create(key, entry) {
          const version = taken.has(key) ? null : await store.create(key, entry)
          if (version !== null) taken.add(key)
          return version
        },
        destroy(key) {
          taken.delete(key)
          return store.destroy(key)
        },
        prune: pruneFirst(store, () => taken.clear()),
      }
    },
  }),
  mutant('1.5', 'caches keys that it did not find', {
    stores: () => (store) => {
      const missing = new Set<string>()
      return {
        create(key, entry) {
          missing.delete(key)
          return store.create(key, entry)
        },
        async read(key) {
          const found = await store.read(key)
          if (found === null) missing.add(key)
          return missing.has(key) ? null : found
        },
      }
    },
  }),
]
