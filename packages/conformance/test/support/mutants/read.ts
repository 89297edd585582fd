import { setImmediate as turn } from 'node:timers/promises'
import type { Entry, Stored, Version } from '@sess/core/adapter'
import { mutant, type Mutant } from '../mutant.ts'
import { alter } from './alter.ts'

const HOUR = 3_600_000

export const readMutants: readonly Mutant[] = [
  mutant('2.1', 'looks keys up in a plain object', {
    stores: () => (store) => ({
      read: async (key) => (await store.read(key)) ?? (key in {} ? { data: '', expiresAt: 1, version: 'none' } : null),
    }),
  }),
  mutant('2.2', 'extends an entry at its third read', {
    stores:
      ({ server }) =>
      (store, scope) => {
        const reads = new Map<string, number>()
        return {
          async read(key) {
            const found = await store.read(key)
            const count = (reads.get(key) ?? 0) + 1
            reads.set(key, count)
            if (found && count >= 3 && found.expiresAt > Date.now() + HOUR)
              alter(server, scope, key, { expiresAt: found.expiresAt + 1000 })
            return found
          },
          update(key, entry, version) {
            reads.delete(key)
            return store.update(key, entry, version)
          },
        }
      },
  }),
  mutant('2.3', 'returns the object that it stores', {
    stores: () => (store) => {
      const kept = new Map<string, { readonly version: Version; readonly found: Stored }>()
      return {
        async read(key) {
          const found = await store.read(key)
          const own = kept.get(key)
          if (found === null) return null
          if (own?.version === found.version) return own.found
          kept.set(key, { version: found.version, found })
          return found
        },
      }
    },
  }),
  mutant('2.3', 'stores the object that it was given', {
    stores: () => (store) => {
      const kept = new Map<Version, Entry>()
      const keep = (version: Version | null, entry: Entry): Version | null => {
        if (version !== null) kept.set(version, entry)
        return version
      }
      return {
        create: async (key, entry) => keep(await store.create(key, entry), entry),
        update: async (key, entry, version) => keep(await store.update(key, entry, version), entry),
        async read(key) {
          const found = await store.read(key)
          return found && { ...found, ...kept.get(found.version) }
        },
      }
    },
  }),
  mutant('2.4', 'gives the entries of reads at the same time to the first that asked', {
    stores: () => (store) => {
      let batch: Promise<readonly Stored[]> | undefined
      const keys: string[] = []
      const send = async (): Promise<readonly Stored[]> => {
        await turn()
        batch = undefined
        const found = await Promise.all(keys.splice(0).map((key) => store.read(key)))
        // A list without the missing ones.
        return found.filter((one) => one !== null)
      }
      return {
        async read(key) {
          const at = keys.push(key) - 1
          batch ??= send()
          return (await batch)[at] ?? null
        },
      }
    },
  }),
  mutant('2.4', 'gives more than 100 parallel reads the same result', {
    stores: () => (store) => {
      let reads = 0
      let latest = ''
      return {
        async read(key) {
          reads++
          latest = key
          try {
            await turn()
            return await store.read(reads > 100 ? latest : key)
          } finally {
            reads--
          }
        },
      }
    },
  }),
]
