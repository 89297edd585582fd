import { setImmediate as turn } from 'node:timers/promises'
import { corrupt, SessError, type ServerStore } from '@sess/core/adapter'
import { STEP } from '../line-server.ts'
import { mutant, type Mutant } from '../mutant.ts'

/** Prunes, and then does something else, given the time that it pruned at. */
export function pruneFirst(store: ServerStore, act: (now: number) => void): (now: number) => Promise<number> {
  return async (now) => {
    const removed = (await store.prune?.(now)) ?? 0
    act(now)
    return removed
  }
}

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

/** Prunes other entries than those that are due. */
const choices: readonly Mutant[] = [
  mutant('6.3', 'compares dates as text', { server: { isDue: ({ expiresAt }, now) => `${expiresAt}` <= `${now}` } }),
  mutant('6.3', 'compares dates in seconds', {
    also: ['6.2'],
    server: { isDue: ({ expiresAt }, now) => Math.floor(expiresAt / 1000) <= Math.floor(now / 1000) },
  }),
  mutant('6.3', 'prunes by its own clock', {
    also: ['6.1'],
    server: { isDue: ({ expiresAt }) => expiresAt <= Date.now() },
  }),
  mutant('6.3', 'prunes what has expired by its own clock, too', {
    server: { isDue: ({ expiresAt }, now) => expiresAt <= Math.max(now, Date.now()) },
  }),
  mutant('6.3', 'never prunes dates of another length', {
    server: { isDue: ({ expiresAt }, now) => expiresAt <= now && (expiresAt === 1 || `${expiresAt}`.length === 13) },
  }),
  mutant('6.3', 'prunes by the first expiry of a key', {
    stores:
      ({ server }) =>
      (store, scope) => {
        const first = new Map<string, number>()
        return {
          async create(key, entry) {
            const version = await store.create(key, entry)
            if (version !== null) first.set(key, entry.expiresAt)
            return version
          },
          prune: pruneFirst(store, (now) => {
            for (const [key, expiresAt] of first) if (expiresAt <= now) server.entriesOf(scope).delete(key)
          }),
        }
      },
  }),
  ...(
    [
      [
        'fails at',
        (): never => {
          throw corrupt('line')
        },
      ],
      ['stops at', (): number => 0],
    ] as const
  ).map(([what, act]) =>
    mutant('6.3', `${what} foreign bytes when it prunes`, {
      stores:
        ({ server }) =>
        (store, scope) => ({
          async prune(now) {
            const isForeign = [...server.entriesOf(scope).values()].some((held) => held instanceof Uint8Array)
            return isForeign ? act() : ((await store.prune?.(now)) ?? 0)
          },
        }),
    }),
  ),
  mutant('6.3', 'fails to prune a scope that holds nothing', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async prune(now) {
          const removed = (await store.prune?.(now)) ?? 0
          if (removed > 0 || server.entriesOf(scope).size > 0) return removed
          throw new SessError('UNAVAILABLE', 'The line store has no such table.')
        },
      }),
  }),
  mutant('6.3', 'counts what two prunes at the same time remove twice', {
    stores: ({ server }) => {
      let running = 0
      return (store, scope) => ({
        async prune(now) {
          running++
          await turn()
          const isShared = running > 1
          const due = [...server.entriesOf(scope).values()].filter(
            (held) => !(held instanceof Uint8Array) && held.expiresAt <= now,
          )
          const removed = (await store.prune?.(now)) ?? 0
          running--
          return isShared ? due.length : removed
        },
      })
    },
  }),
  mutant('6.3', 'empties the scope if an entry is created while it prunes', {
    stores:
      ({ server }) =>
      (store, scope) => {
        let created = 0
        return {
          create(key, entry) {
            created++
            return store.create(key, entry)
          },
          async prune(now) {
            const before = created
            const removed = (await store.prune?.(now)) ?? 0
            if (created > before) server.entriesOf(scope).clear()
            return removed
          },
        }
      },
  }),
]

export const pruneMutants: readonly Mutant[] = [...steps, ...choices]
