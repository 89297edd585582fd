import { SessError, type ServerStore, type Stored } from '@sess/core/adapter'
import { WireLine } from '../line-store.ts'
import { type Change, type Defect, mutant, type Mutant } from '../mutant.ts'
import { changedLine, lineTo } from './line.ts'
import { isUnavailable, watching } from './watch.ts'

/** What an instance knows after calls failed because the backend was unreachable. */
interface Memory {
  readonly store: ServerStore
  /** What the instance last read of each key before the outage. */
  readonly known: ReadonlyMap<string, Stored | null>
}

/** Changes methods of an instance from its first failed call on. */
function afterOutage(how: (memory: Memory) => Partial<ServerStore>): Defect {
  const stores = (): Change => (store) => {
    const known = new Map<string, Stored | null>()
    let isOver = false
    const watched = watching(store, async (call) => {
      try {
        return await call
      } catch (error) {
        isOver ||= isUnavailable(error)
        throw error
      }
    })
    const changed = { ...watched, ...how({ store, known }) }
    const now = (): typeof watched => (isOver ? changed : watched)
    return {
      create: (key, entry) => now().create(key, entry),
      async read(key) {
        const found = await now().read(key)
        if (!isOver) known.set(key, found)
        return found
      },
      update: (key, entry, version) => now().update(key, entry, version),
      destroy: (key) => now().destroy(key),
    }
  }
  return { stores }
}

/** Reads the backend, so that it fails if the backend is unreachable, and then answers from memory. */
function remembered(isMeant: (found: Stored | null, known: Stored | null) => boolean): Defect {
  return afterOutage(({ store, known }) => ({
    async read(key) {
      const found = await store.read(key)
      const own = known.get(key)
      return own !== undefined && isMeant(found, own) ? own : found
    },
  }))
}

/** Fails a call, even if the backend answers it. */
async function failed(call: Promise<unknown>): Promise<never> {
  await call
  throw new SessError('UNAVAILABLE', 'The line store has lost its connection.')
}

export const recoveryMutants: readonly Mutant[] = [
  mutant('7.2', 'never recovers from a failed first call', {
    stores: () => (store) => {
      let state: 'new' | 'used' | 'dead' = 'new'
      return watching(store, async (call) => {
        try {
          const came = await call
          if (state === 'dead') throw new SessError('UNAVAILABLE', 'The line store is dead.')
          state = 'used'
          return came
        } catch (error) {
          if (state === 'new') state = 'dead'
          throw error
        }
      })
    },
  }),
  mutant('7.2', 'keeps a connection that does not answer', {
    also: ['7.4'],
    lineTo: lineTo((address) => {
      const line = new WireLine(address)
      return changedLine(line, { drop() {} })
    }),
  }),
  mutant('7.2', 'never recovers from a lost connection', {
    also: ['7.4', '7.7', '7.8'],
    ...afterOutage(({ store }) => ({
      create: (...call) => failed(store.create(...call)),
      read: (...call) => failed(store.read(...call)),
      update: (...call) => failed(store.update(...call)),
      destroy: (...call) => failed(store.destroy(...call)),
    })),
  }),
  mutant(
    '7.2',
    'answers reads from memory after an outage',
    remembered(() => true),
  ),
  mutant(
    '7.2',
    'still finds a destroyed entry after an outage',
    remembered((found) => found === null),
  ),
  mutant(
    '7.2',
    'still misses a created entry after an outage',
    remembered((_, known) => known === null),
  ),
  mutant(
    '7.2',
    'still finds the data of an updated entry after an outage',
    remembered((found, known) => found !== null && known !== null),
  ),
  mutant(
    '7.2',
    'accepts a version that it knew before an outage',
    afterOutage(({ store, known }) => ({
      async update(key, entry, version) {
        const found = known.get(key)?.version === version ? await store.read(key) : null
        return store.update(key, entry, found?.version ?? version)
      },
    })),
  ),
  mutant(
    '7.2',
    'revives an entry that it knew before an outage',
    afterOutage(({ store, known }) => ({
      async update(key, entry, version) {
        const next = await store.update(key, entry, version)
        return next ?? (known.get(key)?.version === version ? store.create(key, entry) : null)
      },
    })),
  ),
  mutant(
    '7.2',
    'refuses to create a key that it knew before an outage',
    afterOutage(({ store, known }) => ({
      create: async (key, entry) => (known.get(key) ? null : store.create(key, entry)),
    })),
  ),
]
