import { setImmediate as turn } from 'node:timers/promises'
import { SessError, type Stored } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'
import { type Defect, mutant, type Mutant } from '../mutant.ts'
import { pruneFirst } from './prune.ts'

/** Whether a key matches another one in which `_` stands for any character. */
export function isLike(other: string, key: string): boolean {
  return new RegExp(`^${key.replaceAll('_', '.')}$`).test(other)
}

/** Instead of a restart or an eviction, every key returns to its first entry. */
function resurrecting(event: 'restart' | 'evict'): Defect {
  const firsts = new WeakMap<LineServer, Map<string, () => void>>()
  const firstsOf = (server: LineServer): Map<string, () => void> => {
    const first = firsts.get(server) ?? new Map<string, () => void>()
    firsts.set(server, first)
    return first
  }
  return {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async create(key, entry) {
          const version = await store.create(key, entry)
          const held = server.held(scope, key)
          const restore = (): void => void (held && server.entriesOf(scope).set(key, held))
          if (version !== null) firstsOf(server).set(`${scope}/${key}`, restore)
          return version
        },
      }),
    backend: ({ server }) => ({
      [event]: () => {
        for (const restore of firstsOf(server).values()) restore()
      },
    }),
  }
}

export const destroyMutants: readonly Mutant[] = [
  mutant('4.1', 'still finds an entry that it had read and another instance destroyed', {
    stores: () => (store) => {
      const kept = new Map<string, Stored>()
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
        prune: pruneFirst(store, () => kept.clear()),
      }
    },
  }),
  mutant('4.1', 'still finds an entry that it had read and destroyed', {
    stores: () => (store) => {
      const kept = new Map<string, Stored>()
      const destroyed = new Map<string, Stored>()
      return {
        create(key, entry) {
          destroyed.delete(key)
          return store.create(key, entry)
        },
        async read(key) {
          const found = await store.read(key)
          if (found) kept.set(key, found)
          return found ?? destroyed.get(key) ?? null
        },
        destroy(key) {
          const own = kept.get(key)
          if (own) destroyed.set(key, own)
          return store.destroy(key)
        },
        prune: pruneFirst(store, () => kept.clear()),
      }
    },
  }),
  mutant('4.1', 'still finds an entry that it had written and another instance destroyed', {
    stores: () => (store) => {
      const own = new Map<string, Stored>()
      return {
        async create(key, entry) {
          const version = await store.create(key, entry)
          if (version !== null) own.set(key, { ...entry, version })
          return version
        },
        read: async (key) => (await store.read(key)) ?? own.get(key) ?? null,
        destroy(key) {
          own.delete(key)
          return store.destroy(key)
        },
        prune: pruneFirst(store, () => own.clear()),
      }
    },
  }),
  mutant('4.2', 'fails to destroy an entry twice', {
    stores: () => (store) => {
      const destroyed = new Set<string>()
      return {
        create(key, entry) {
          destroyed.delete(key)
          return store.create(key, entry)
        },
        async destroy(key) {
          await store.destroy(key)
          if (destroyed.has(key)) throw new SessError('CORRUPT', 'The line store has no such key.')
          destroyed.add(key)
        },
      }
    },
  }),
  ...[
    ['what begins with the key', (other: string, key: string) => other.startsWith(key)] as const,
    ['what the key matches as a pattern', isLike] as const,
    ['the key in capitals', (other: string, key: string) => other.toLowerCase() === key.toLowerCase()] as const,
  ].map(([what, isTaken]) =>
    mutant('4.3', `destroys ${what} too`, {
      stores:
        ({ server }) =>
        (store, scope) => ({
          async destroy(key) {
            await store.destroy(key)
            const entries = server.entriesOf(scope)
            for (const other of entries.keys()) if (isTaken(other, key)) entries.delete(other)
          },
        }),
    }),
  ),
  mutant('4.4', 'creates an entry that was destroyed during an update', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async update(key, entry, version) {
          const isCurrent = server.stored(scope, key)?.version === version
          await turn()
          const isGone = server.held(scope, key) === undefined
          return isCurrent && isGone ? store.create(key, entry) : store.update(key, entry, version)
        },
      }),
  }),
  mutant('4.4', 'destroys only the version that it read first', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async destroy(key) {
          const version = server.stored(scope, key)?.version
          await turn()
          if (server.stored(scope, key)?.version === version) await store.destroy(key)
        },
      }),
  }),
  mutant('4.5', 'returns to the first entries after a restart', {
    lacks: [],
    ...resurrecting('restart'),
  }),
  mutant('4.5', 'returns to the first entries after eviction', {
    variant: 'expiring',
    lacks: [],
    ...resurrecting('evict'),
  }),
]
