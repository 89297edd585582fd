import { type Finding, isSessError } from '@sess/core/adapter'
import { type Change, mutant, type Mutant } from '../mutant.ts'

const WARNING: Finding = { code: 'LINE_SLOW', severity: 'warning', message: 'The line is slow.' }

/** A store that finds something which is no finding. */
function finding(name: string, found: object): Mutant {
  return mutant('10.3', name, {
    stores: () => () => ({ check: async () => [Object.assign({ ...WARNING }, found)] }),
  })
}

/** Does what follows an error of `check`. */
const afterFailure =
  (code: string, act: () => Promise<readonly Finding[]>): Change =>
  (store) => ({
    async check() {
      try {
        return (await store.check?.()) ?? []
      } catch (error) {
        if (isSessError(error) && error.code === code) return act()
        throw error
      }
    },
  })

export const checkMutants: readonly Mutant[] = [
  finding('finds something without a code', { code: '' }),
  finding('finds something of another severity', { severity: 'info' }),
  finding('finds something in several lines', { message: 'The line\nis slow.' }),
  mutant('10.3', 'resolves with something else than an array', {
    stores: () => () => ({ check: () => Promise.resolve(Object(undefined)) }),
  }),
  mutant('10.3', 'shows the password of its options in a finding', {
    adapter: (correct) => (options, context) => {
      const store = correct(options, context)
      if (store.kind !== 'server') return store
      const check = async () => [
        ...((await store.check?.()) ?? []),
        { ...WARNING, message: `AUTH ${options.password}` },
      ]
      return { ...store, check }
    },
  }),
  mutant('10.3', 'ends a session by a check', {
    stores: () => (store) => {
      let last = ''
      return {
        create(key, entry) {
          last = key
          return store.create(key, entry)
        },
        async check() {
          const found = (await store.check?.()) ?? []
          await store.destroy(last)
          return found
        },
      }
    },
  }),
  mutant('10.3', 'finds nothing wrong while the backend is unreachable', {
    stores: () => afterFailure('UNAVAILABLE', async () => []),
  }),
  mutant('10.3', 'finds a warning alone while the backend is unreachable', {
    stores: () => afterFailure('UNAVAILABLE', async () => [WARNING]),
  }),
  mutant('10.3', 'hangs in a check while the backend is unreachable', {
    stores: () => afterFailure('UNAVAILABLE', () => new Promise(() => {})),
  }),
  mutant('10.3', 'checks after close', {
    stores: () => afterFailure('CLOSED', async () => []),
  }),
]
