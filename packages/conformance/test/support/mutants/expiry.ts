import { type Entry, SessError, type Version } from '@sess/core/adapter'
import { type Defect, mutant, type Mutant } from '../mutant.ts'

const DAY = 86_400_000
const HOUR = DAY / 24
const MAX_DATE = 253_402_300_799_999

/** A backend that expires entries itself, but at a wrong time. */
function expiring(until: (entry: Entry, before: number | undefined) => number): Defect {
  return {
    variant: 'expiring',
    server: {
      until: (entry, before) => until(entry, before instanceof Uint8Array ? undefined : before?.until),
    },
  }
}

/** Never prunes an updated entry. */
function prunesCreated(): Defect {
  const updates = new Set<Version>()
  return {
    server: { isDue: ({ version, expiresAt }, now) => expiresAt <= now && !updates.has(version) },
    stores: () => (store) => ({
      async update(key, entry, version) {
        const next = await store.update(key, entry, version)
        if (next !== null) updates.add(next)
        return next
      },
    }),
  }
}

const reclaiming: readonly Mutant[] = [
  mutant('6.1', 'never prunes updated entries', { also: ['6.3'], ...prunesCreated() }),
  mutant(
    '6.1',
    'treats a past date as no expiry',
    expiring(({ expiresAt }) => (expiresAt > Date.now() ? expiresAt : Infinity)),
  ),
  mutant('6.1', 'does not change the date on the backend at an update', {
    also: ['6.2'],
    ...expiring(({ expiresAt }, before) => before ?? expiresAt),
  }),
  mutant(
    '6.1',
    'never moves the date on the backend back',
    expiring(({ expiresAt }, before) => Math.max(expiresAt, before ?? 0)),
  ),
]

const early: readonly Mutant[] = [
  mutant(
    '6.2',
    'rounds expiry down to the second',
    expiring(({ expiresAt }) => Math.floor(expiresAt / 1000) * 1000),
  ),
  mutant(
    '6.2',
    'never moves the date on the backend on',
    expiring(({ expiresAt }, before) => Math.min(expiresAt, before ?? Infinity)),
  ),
  mutant(
    '6.2',
    'moves the date on the backend on only by less than an hour',
    expiring(({ expiresAt }, before) => (before !== undefined && expiresAt > before + HOUR ? before : expiresAt)),
  ),
  mutant('6.2', 'extends an entry only if its data is new', {
    variant: 'expiring',
    stores:
      ({ server }) =>
      (store, scope) => ({
        async update(key, entry, version) {
          const before = server.stored(scope, key)
          const next = await store.update(key, entry, version)
          const held = server.stored(scope, key)
          if (next !== null && held && before?.data === entry.data)
            server.entriesOf(scope).set(key, { ...held, until: Math.min(before.until, held.until) })
          return next
        },
      }),
  }),
  mutant('6.2', 'extends only what the instance has created itself', {
    variant: 'expiring',
    stores:
      ({ server }) =>
      (store, scope) => {
        const own = new Set<string>()
        return {
          create(key, entry) {
            own.add(key)
            return store.create(key, entry)
          },
          async update(key, entry, version) {
            const before = server.stored(scope, key)
            const next = await store.update(key, entry, version)
            const held = server.stored(scope, key)
            if (next !== null && held && before && !own.has(key))
              server.entriesOf(scope).set(key, { ...held, until: Math.min(before.until, held.until) })
            return next
          },
        }
      },
  }),
  ...(['destroy', 'update'] as const).map((method) =>
    mutant('6.2', `does not stop the timer of an entry at ${method}`, {
      stores:
        ({ server, cleanUp }) =>
        (store, scope) => {
          const timers = new Map<string, NodeJS.Timeout>()
          const start = (key: string, { expiresAt }: Entry): void => {
            const left = expiresAt - Date.now()
            if (left > HOUR || left < 0) return
            const timer = setTimeout(() => server.entriesOf(scope).delete(key), left).unref()
            cleanUp(() => clearTimeout(timer))
            timers.set(key, timer)
          }
          return {
            async create(key, entry) {
              const version = await store.create(key, entry)
              if (version !== null) start(key, entry)
              return version
            },
            async update(key, entry, version) {
              const next = await store.update(key, entry, version)
              if (next !== null && method !== 'update') clearTimeout(timers.get(key))
              return next
            },
            async destroy(key) {
              await store.destroy(key)
              if (method !== 'destroy') clearTimeout(timers.get(key))
            },
          }
        },
    }),
  ),
  mutant('6.2', 'cuts dates at the year 9999', {
    stores: () => (store) => ({
      create: (key, { data, expiresAt }) => store.create(key, { data, expiresAt: Math.min(expiresAt, MAX_DATE) }),
    }),
  }),
  mutant('6.2', 'prunes a millisecond early', {
    also: ['6.3'],
    server: { isDue: ({ expiresAt }, now) => expiresAt <= now + 1 },
  }),
]

const far: readonly Mutant[] = [
  mutant(
    '6.4',
    'starts a timer that overflows after 24 days',
    expiring(({ expiresAt }) => {
      const left = expiresAt - Date.now()
      return left < 2 ** 31 || left > 200 * 365 * DAY ? expiresAt : Date.now() + 200
    }),
  ),
  mutant('6.4', 'stores dates as 32-bit seconds', {
    also: ['6.2'],
    ...expiring(({ expiresAt }) => (expiresAt / 1000 < 2 ** 31 ? expiresAt : 0)),
  }),
  mutant(
    '6.4',
    'rounds 30 days up to a date in 1970',
    expiring(({ expiresAt }) => {
      const left = expiresAt - Date.now()
      return left > 30 * DAY - 500 && left <= 30 * DAY + 500 ? 0 : expiresAt
    }),
  ),
  mutant(
    '6.4',
    'treats more than 30 days as a date long past',
    expiring(({ expiresAt }) => {
      const left = expiresAt - Date.now()
      return left < 30 * DAY || left > 200 * 365 * DAY ? expiresAt : 0
    }),
  ),
]

/** Whether the entry expired within the last hour. */
function isJustPast({ expiresAt }: Entry): boolean {
  return expiresAt <= Date.now() && expiresAt > Date.now() - HOUR
}

const past: readonly Mutant[] = [
  mutant('6.5', 'fails to create an entry that has just expired', {
    stores: () => (store) => ({
      async create(key, entry) {
        if (isJustPast(entry)) throw new SessError('UNAVAILABLE', 'The line store takes no date that is past.')
        return store.create(key, entry)
      },
    }),
  }),
  mutant('6.5', 'does not create an entry that has just expired', {
    stores: () => (store) => ({
      create: async (key, entry) => (isJustPast(entry) ? null : store.create(key, entry)),
    }),
  }),
  mutant('6.5', 'replaces a past date with the current time', {
    also: ['6.3'],
    stores: () => (store) => ({
      create: (key, { data, expiresAt }) => store.create(key, { data, expiresAt: Math.max(expiresAt, Date.now()) }),
    }),
  }),
]

export const expiryMutants: readonly Mutant[] = [...reclaiming, ...early, ...far, ...past]
