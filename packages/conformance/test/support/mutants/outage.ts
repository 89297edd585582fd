import { setTimeout as sleep } from 'node:timers/promises'
import { SessError } from '@sess/core/adapter'
import { DEADLINE } from '../line-store.ts'
import { type Change, mutant, type Mutant } from '../mutant.ts'
import { asServerStore } from '../reference.ts'
import { isUnavailable, never } from './watch.ts'

/** Milliseconds after the deadline when the suite has stopped waiting. */
const TOO_LATE = 1300

/** Handles a failure, or rejects with the given error. */
type Failing = (error: SessError) => Promise<never> | null

/** Changes what a method does when the backend is unreachable. */
function failing(method: 'read' | 'update' | 'prune', how: Failing): Change {
  return (store) => {
    const handle = (error: unknown) => {
      if (isUnavailable(error)) return how(error)
      throw error
    }
    if (method === 'read') return { read: (key) => store.read(key).catch(handle) }
    if (method === 'update') return { update: (key, entry, version) => store.update(key, entry, version).catch(handle) }
    return { prune: async (now) => (await store.prune?.(now).catch(handle)) ?? 0 }
  }
}

/** The same, only in an instance that has not reached the backend yet. */
function unused(how: Failing): Change {
  return (store, scope) => {
    let isUsed = false
    const note = async <T>(call: Promise<T>): Promise<T> => {
      const came = await call
      isUsed = true
      return came
    }
    const other = failing('update', how)(store, scope)
    return {
      create: (key, entry) => note(store.create(key, entry)),
      read: (key) => note(store.read(key)),
      update: (key, entry, version) => (isUsed ? store : { ...store, ...other }).update(key, entry, version),
    }
  }
}

export const outageMutants: readonly Mutant[] = [
  mutant('7.1', 'reports not current while unreachable', { stores: () => unused(() => null) }),
  mutant('7.1', 'hangs', { stores: () => unused(() => never()) }),
  mutant('7.1', 'is late', {
    stores: () =>
      unused(async (error) => {
        await sleep(DEADLINE + TOO_LATE)
        throw error
      }),
  }),
  mutant('7.1', 'reads null while unreachable', { also: ['7.2'], stores: () => failing('read', () => null) }),
  mutant('7.1', 'resolves prune with 0 while unreachable', {
    also: ['7.2'],
    stores: () => failing('prune', () => null),
  }),
  mutant('7.1', 'rejects with the error of its client', {
    also: ['7.2', '7.4', '7.5'],
    stores: () =>
      failing('update', async (error) => {
        if (error.cause instanceof Error) throw error.cause
        throw error
      }),
  }),
  mutant('7.1', 'shows the request in the cause', {
    also: ['7.2', '7.8'],
    stores: () => (store) => ({
      async update(key, entry, version) {
        try {
          return await store.update(key, entry, version)
        } catch (error) {
          if (!isUnavailable(error)) throw error
          const cause = Object.assign(new Error('no reply'), { command: ['update', key, { entry }] })
          throw new SessError('UNAVAILABLE', error.message, { cause })
        }
      },
    }),
  }),
  mutant('7.1', 'declares a deadline that it does not keep', {
    also: ['7.2', '7.5'],
    adapter: (correct) => (options, context) => {
      const { deadline } = asServerStore(correct(options, context))
      return { ...asServerStore(correct({ ...options, deadline: deadline + TOO_LATE }, context)), deadline }
    },
  }),
]
