import { setTimeout as sleep } from 'node:timers/promises'
import { SessError, type Stored } from '@sess/core/adapter'
import { DEADLINE } from '../line-store.ts'
import { type Change, type Defect, mutant, type Mutant } from '../mutant.ts'
import { isUnavailable, watching } from './watch.ts'

/** Changes what follows a failure, given how many calls were under way when the call was made. */
function afterFailure(act: (error: SessError, before: number) => Promise<unknown>): Change {
  return (store) => {
    let calls = 0
    return watching(store, async (call) => {
      const before = calls++
      try {
        return await call
      } catch (error) {
        if (isUnavailable(error)) await act(error, before)
        throw error
      } finally {
        calls--
      }
    })
  }
}

// These affect only the keys of calls that clause 7.1 makes in great numbers.
const ofCrowd: Pick<Defect, 'keys'> = { keys: (key) => /^key\d+(?:new|gone)?$/.test(key) }

export const unreachableMutants: readonly Mutant[] = [
  mutant('7.1', 'is late by two fifths of its deadline', {
    ...ofCrowd,
    stores: () => afterFailure(() => sleep(0.4 * DEADLINE)),
  }),
  mutant('7.1', 'lets calls that wait for one of ten connections wait for a deadline of their own', {
    ...ofCrowd,
    stores: () => afterFailure((_, before) => sleep(before < 10 ? 0 : DEADLINE)),
  }),
  mutant('7.1', 'tells no cause', {
    stores: () =>
      afterFailure(async ({ message }) => {
        throw new SessError('UNAVAILABLE', message)
      }),
  }),
  mutant('7.1', 'shows the password of its options in the cause', {
    adapter: (correct) => (options, context) => {
      const store = correct(options, context)
      if (store.kind !== 'server') return store
      const change = afterFailure(async ({ message }) => {
        throw new SessError('UNAVAILABLE', message, { cause: new Error(`no reply to AUTH ${options.password}`) })
      })
      return { ...store, ...change(store, '') }
    },
  }),
  mutant('7.1', 'answers reads from memory while unreachable', {
    // A read that fails just after the outage is answered from memory too.
    also: ['7.2'],
    stores: () => (store) => {
      const kept = new Map<string, Stored | null>()
      return {
        async read(key) {
          try {
            const found = await store.read(key)
            kept.set(key, found)
            return found
          } catch (error) {
            const own = kept.get(key)
            if (own === undefined || !isUnavailable(error)) throw error
            return own
          }
        },
      }
    },
  }),
]
