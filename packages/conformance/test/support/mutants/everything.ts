import type { Stored } from '@sess/core/adapter'
import { mutant, type Mutant } from '../mutant.ts'

// These defects affect only the keys of 9.1 and 9.2, so that no other clause can find them.
const isOfModel = (key: string): boolean => /^run\d/.test(key)
const isOfHistory = (key: string): boolean => /^history\d/.test(key)

export const everythingMutants: readonly Mutant[] = [
  mutant('9.1', 'forgets the data of a third update', {
    keys: isOfModel,
    stores: () => (store) => {
      const updates = new Map<string, number>()
      return {
        async update(key, entry, version) {
          const count = updates.get(key) ?? 0
          const next = await store.update(key, count === 2 ? { ...entry, data: '' } : entry, version)
          if (next !== null) updates.set(key, count + 1)
          return next
        },
      }
    },
  }),
  mutant('9.2', 'sometimes returns an older read', {
    keys: isOfHistory,
    stores: () => (store) => {
      const before = new Map<string, Stored | null>()
      let reads = 0
      return {
        async read(key) {
          const found = await store.read(key)
          const old = before.get(key)
          before.set(key, found)
          return ++reads % 3 === 0 && old !== undefined ? old : found
        },
      }
    },
  }),
  mutant('9.2', 'sometimes refuses a current version', {
    keys: isOfHistory,
    stores: () => (store) => {
      let updates = 0
      return {
        update: async (key, entry, version) => store.update(key, entry, ++updates % 3 === 0 ? 'none' : version),
      }
    },
  }),
]
