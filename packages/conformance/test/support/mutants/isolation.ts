import type { ServerStore, Version } from '@sess/core/adapter'
import { mutant, type Mutant } from '../mutant.ts'
import { isLike } from './destroy.ts'

export function keyed(store: ServerStore, keyOf: (key: string) => string): Partial<ServerStore> {
  return {
    create: (key, entry) => store.create(keyOf(key), entry),
    read: (key) => store.read(keyOf(key)),
    update: (key, entry, version) => store.update(keyOf(key), entry, version),
    destroy: (key) => store.destroy(keyOf(key)),
  }
}

export const isolationMutants: readonly Mutant[] = [
  mutant('5.1', 'has one namespace for all scopes', {
    isApart: true,
    adapter: (correct) => (options, context) => {
      correct(options, context)
      return correct({ ...options, scope: 'all' }, context)
    },
    backend: ({ server }) => ({ plant: (_, key, bytes) => server.plant('all', key, bytes) }),
  }),
  mutant('5.1', 'destroys in every scope', {
    isApart: true,
    stores:
      ({ server }) =>
      (store) => ({
        async destroy(key) {
          await store.destroy(key)
          for (const scope of server.scopes) server.entriesOf(scope).delete(key)
        },
      }),
  }),
  mutant('5.1', 'prunes every scope', {
    isApart: true,
    stores:
      ({ server }) =>
      (store) => ({
        async prune(now) {
          const removed = (await store.prune?.(now)) ?? 0
          return server.scopes
            .map((scope) => server.answer({ method: 'prune', scope, now }).removed ?? 0)
            .concat(removed)
            .reduce((sum, count) => sum + count)
        },
      }),
  }),
  mutant('5.2', 'has lower-case keys', {
    also: ['4.3'],
    stores: () => (store) => keyed(store, (key) => key.toLowerCase()),
  }),
  mutant('5.2', 'reads with LIKE', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async read(key) {
          const found = await store.read(key)
          const other = found ? undefined : [...server.entriesOf(scope).keys()].find((one) => isLike(one, key))
          return found ?? (other === undefined ? null : store.read(other))
        },
      }),
  }),
  mutant('5.2', 'updates an entry whose key begins with the given one', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async update(key, entry, version) {
          const other = [...server.entriesOf(scope).keys()].find(
            (one) => one.startsWith(key) && server.stored(scope, one)?.version === version,
          )
          return store.update(other ?? key, entry, version)
        },
      }),
  }),
  mutant('5.2', 'loses an entry under __proto__', {
    stores: () => (store) => ({ read: async (key) => (key === '__proto__' ? null : store.read(key)) }),
  }),
  mutant('5.2', 'cuts keys at 127 characters', { stores: () => (store) => keyed(store, (key) => key.slice(0, 127)) }),
  mutant('5.3', 'closes every instance of a scope at once', {
    stores: () => {
      const instances = new Map<string, (() => Promise<void>)[]>()
      return (store, scope) => {
        instances.set(scope, [...(instances.get(scope) ?? []), () => store.close()])
        return {
          async close() {
            await Promise.all((instances.get(scope) ?? []).map((close) => close()))
          },
        }
      }
    },
  }),
  mutant('5.3', 'accepts only versions that the instance itself has seen', {
    stores: () => (store) => {
      const seen = new Set<Version>()
      const see = (version: Version | null): Version | null => {
        if (version !== null) seen.add(version)
        return version
      }
      return {
        create: async (key, entry) => see(await store.create(key, entry)),
        async read(key) {
          const found = await store.read(key)
          see(found?.version ?? null)
          return found
        },
        update: async (key, entry, version) =>
          see(await store.update(key, entry, seen.has(version) ? version : 'unknown')),
      }
    },
  }),
]
