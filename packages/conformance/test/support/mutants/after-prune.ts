import { SessError, type ServerStore, type Version } from '@sess/core/adapter'
import { type Change, type Defect, mutant, type Mutant, type Surroundings } from '../mutant.ts'
import { alter } from './alter.ts'
import { pruneFirst } from './prune.ts'

/** What a store that prunes does afterwards, given the keys and versions that it has pruned. */
interface Pruned {
  readonly store: ServerStore
  readonly surroundings: Surroundings
  readonly scope: string
  readonly keys: ReadonlyMap<string, Version>
  /** The latest time that it pruned at. 0: it has not pruned. */
  readonly last: () => number
}

function pruned(change: (pruned: Pruned) => Partial<ServerStore>): Defect {
  return {
    stores: (surroundings): Change => {
      const { server } = surroundings
      return (store, scope) => {
        const keys = new Map<string, Version>()
        let last = 0
        return {
          async prune(now) {
            for (const [key, held] of server.entriesOf(scope))
              if (!(held instanceof Uint8Array) && held.expiresAt <= now) keys.set(key, held.version)
            const removed = (await store.prune?.(now)) ?? 0
            last = Math.max(last, now)
            return removed
          },
          ...change({ store, surroundings, scope, keys, last: () => last }),
        }
      }
    },
  }
}

export const afterPruneMutants: readonly Mutant[] = [
  mutant(
    '6.3',
    'never creates a pruned key again',
    pruned(({ store, keys }) => ({
      create: async (key, entry) => (keys.has(key) ? null : store.create(key, entry)),
    })),
  ),
  mutant(
    '6.3',
    'never finds a pruned key again',
    pruned(({ store, keys }) => ({
      read: async (key) => (keys.has(key) ? null : store.read(key)),
    })),
  ),
  mutant(
    '6.3',
    'does not destroy after it has pruned',
    pruned(({ store, last }) => ({
      destroy: async (key) => (last() > 0 ? undefined : store.destroy(key)),
    })),
  ),
  mutant(
    '6.3',
    'refuses every update after it has pruned',
    pruned(({ store, last }) => ({
      update: async (key, entry, version) => (last() > 0 ? null : store.update(key, entry, version)),
    })),
  ),
  mutant(
    '6.3',
    'revives a pruned entry by an update',
    pruned(({ store, keys }) => ({
      update: async (key, entry, version) =>
        (await store.update(key, entry, version)) ?? (keys.get(key) === version ? store.create(key, entry) : null),
    })),
  ),
  mutant(
    '6.3',
    'drops what expires before the time of the last prune',
    pruned(({ store, last, scope, surroundings }) => ({
      async create(key, entry) {
        const version = await store.create(key, entry)
        if (entry.expiresAt < last()) surroundings.server.entriesOf(scope).delete(key)
        return version
      },
    })),
  ),
  mutant('6.3', 'prunes only once', {
    stores: () => (store) => {
      let isDone = false
      return {
        async prune(now) {
          const removed = isDone ? 0 : ((await store.prune?.(now)) ?? 0)
          isDone ||= removed > 0
          return removed
        },
      }
    },
  }),
  mutant('6.3', 'forgets what it prunes only from its backend', {
    stores: () => (store) => {
      const kept = new Map<string, Awaited<ReturnType<ServerStore['read']>>>()
      return {
        async read(key) {
          const found = await store.read(key)
          if (found) kept.set(key, found)
          return found ?? kept.get(key) ?? null
        },
        destroy(key) {
          kept.delete(key)
          return store.destroy(key)
        },
      }
    },
    also: ['4.1'],
  }),
  mutant('6.3', 'gives new versions to the entries that it keeps', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        prune: pruneFirst(store, () => {
          for (const [key, held] of server.entriesOf(scope))
            if (!(held instanceof Uint8Array)) server.put(scope, key, held)
        }),
      }),
  }),
  mutant('6.3', 'rounds the dates of the entries that it keeps', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        prune: pruneFirst(store, () => {
          for (const [key, held] of server.entriesOf(scope))
            if (!(held instanceof Uint8Array)) alter(server, scope, key, { expiresAt: held.expiresAt + 1 })
        }),
      }),
  }),
  mutant('6.3', 'fails to create in a scope that it has emptied', {
    stores:
      ({ server }) =>
      (store, scope) => {
        let isGone = false
        return {
          async create(key, entry) {
            if (isGone) throw new SessError('UNAVAILABLE', 'The line store has no such folder.')
            return store.create(key, entry)
          },
          prune: pruneFirst(store, () => (isGone = server.entriesOf(scope).size === 0)),
        }
      },
  }),
]
