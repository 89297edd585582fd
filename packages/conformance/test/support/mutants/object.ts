import { SessError } from '@sess/core/adapter'
import { DEADLINE } from '../line-store.ts'
import { mutant, type Mutant } from '../mutant.ts'
import { isUnavailable } from './watch.ts'

/** A server store with one field replaced. */
function withField(name: string, field: object): Mutant {
  return mutant('10.1', name, {
    adapter: (correct) => (options, context) => ({ ...correct(options, context), ...field }),
  })
}

const fields: readonly Mutant[] = [
  withField('has no name', { name: '' }),
  withField('has a maxBytes of 0', { maxBytes: 0 }),
  withField('has a fractional deadline', { deadline: DEADLINE + 0.5 }),
  withField('declares another contract', { contract: 2 }),
  withField('looks like a promise', { then: 'a field' }),
  mutant('10.1', 'returns a value that is not a promise', {
    adapter: (correct) => (options, context) => {
      const store = correct(options, context)
      if (store.kind !== 'server') return store
      const destroy = (key: string) => {
        const done = store.destroy(key)
        return { then: done.then.bind(done), catch: done.catch.bind(done), finally: done.finally.bind(done) }
      }
      return Object.assign({ ...store }, { destroy })
    },
  }),
]

const throwing: readonly Mutant[] = [
  mutant('10.1', 'throws instead of rejecting after close', {
    stores: () => (store) => {
      let isClosed = false
      return {
        read(key) {
          if (isClosed) throw new SessError('CLOSED', 'The line store is closed.')
          return store.read(key)
        },
        close() {
          isClosed = true
          return store.close()
        },
      }
    },
  }),
  mutant('10.1', 'throws instead of rejecting after a call that failed', {
    stores: () => (store) => {
      let failure: SessError | undefined
      let isClosed = false
      return {
        destroy(key) {
          const last = failure
          failure = undefined
          if (last !== undefined && !isClosed) throw last
          return store.destroy(key)
        },
        read: (key) =>
          store.read(key).catch((error: unknown) => {
            if (isUnavailable(error)) failure = error
            throw error
          }),
        close() {
          isClosed = true
          return store.close()
        },
      }
    },
  }),
]

const lacks: readonly Mutant[] = [
  mutant('10.2', 'is in the process, and does not declare that its entries end with it', {
    lacks: [],
    isInProcess: true,
  }),
  mutant('10.2', 'is empty after a restart, and does not declare it', { lacks: [] }),
  mutant('10.2', 'evicts, and does not declare it', { variant: 'expiring', lacks: [] }),
  mutant('10.2', 'declares that it is empty after a restart, and is not', { server: { isDurable: true } }),
  mutant('10.2', 'declares that it lacks atomic, and does not', { lacks: ['durability', 'atomic'] }),
  mutant('10.2', 'declares that it lacks fresh, and does not', { lacks: ['durability', 'fresh'] }),
  mutant('10.2', 'declares the same lack twice', { lacks: ['durability', 'durability'] }),
  mutant('10.2', 'declares a lack that the contract does not define', {
    adapter: (correct) => (options, context) =>
      Object.assign({ ...correct(options, context) }, { lacks: ['durability', 'speed'] }),
  }),
]

export const objectMutants: readonly Mutant[] = [...fields, ...throwing, ...lacks]
