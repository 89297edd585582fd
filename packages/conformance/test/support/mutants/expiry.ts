import { setImmediate as turn } from 'node:timers/promises'
import { type Entry, SessError, type Version } from '@sess/core/adapter'
import { STEP } from '../line-server.ts'
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
  mutant('6.1', 'never prunes updated entries', prunesCreated()),
  mutant(
    '6.1',
    'treats a past date as no expiry',
    expiring(({ expiresAt }) => (expiresAt > Date.now() ? expiresAt : Infinity)),
  ),
  mutant(
    '6.1',
    'does not change the date on the backend at an update',
    expiring(({ expiresAt }, before) => before ?? expiresAt),
  ),
]

const early: readonly Mutant[] = [
  mutant(
    '6.2',
    'rounds expiry down to the second',
    expiring(({ expiresAt }) => Math.floor(expiresAt / 1000) * 1000),
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

const steps: readonly Mutant[] = [
  mutant('6.3', 'prunes entries that expired before that time, but not at it', {
    also: ['6.1'],
    server: { isDue: ({ expiresAt }, now) => expiresAt < now },
  }),
  mutant('6.3', 'returns the number that the last step of prune removed', {
    stores: () => (store) => ({ prune: async (now) => ((await store.prune?.(now)) ?? 0) % STEP }),
  }),
  mutant('6.3', 'fails when prune takes many steps', {
    stores: () => (store) => ({
      async prune(now) {
        const removed = (await store.prune?.(now)) ?? 0
        if (removed < 10 * STEP) return removed
        throw new SessError('UNAVAILABLE', 'The line store had no time for that.')
      },
    }),
  }),
  mutant('6.3', 'prunes in one step', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async prune(now) {
          // Nothing is due, so this only contacts the backend.
          await store.prune?.(0)
          let removed = 0
          for (let step = STEP; step === STEP; removed += step)
            step = server.answer({ method: 'prune', scope, now }).removed ?? 0
          return removed
        },
      }),
  }),
  mutant('6.3', 'prunes the entries that had expired when prune began', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async prune(now) {
          // Nothing is due, so this only contacts the backend.
          await store.prune?.(0)
          const entries = server.entriesOf(scope)
          const due = [...entries].filter(([, held]) => !(held instanceof Uint8Array) && held.expiresAt <= now)
          for (const [at, [key]] of due.entries()) {
            entries.delete(key)
            if (at % 10 === 0) await turn()
          }
          return due.length
        },
      }),
  }),
]

const far: readonly Mutant[] = [
  mutant('6.4', 'stores dates as 32-bit seconds', {
    also: ['6.2'],
    ...expiring(({ expiresAt }) => (expiresAt / 1000 < 2 ** 31 ? expiresAt : 0)),
  }),
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
    stores: () => (store) => ({
      create: (key, { data, expiresAt }) => store.create(key, { data, expiresAt: Math.max(expiresAt, Date.now()) }),
    }),
  }),
]

export const expiryMutants: readonly Mutant[] = [...reclaiming, ...early, ...steps, ...far, ...past]
