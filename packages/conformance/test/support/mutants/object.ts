import { DEADLINE } from '../line-store.ts'
import { mutant, type Mutant } from '../mutant.ts'

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

const lacks: readonly Mutant[] = [
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

export const objectMutants: readonly Mutant[] = [...fields, ...lacks]
