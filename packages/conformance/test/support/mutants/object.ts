import { DEADLINE } from '../line-store.ts'
import { mutant, type Mutant } from '../mutant.ts'

/** With one field that is another's. */
function withField(name: string, field: object): Mutant {
  return mutant('10.1', name, {
    adapter: (correct) => (options, context) => ({ ...correct(options, context), ...field }),
  })
}

const fields: readonly Mutant[] = [
  withField('has no name', { name: '' }),
  withField('takes no data', { maxBytes: 0 }),
  withField('has a deadline of part of a millisecond', { deadline: DEADLINE + 0.5 }),
  withField('is of another contract', { contract: 2 }),
  withField('looks like a promise', { then: 'a field' }),
  mutant('10.1', 'returns what is no promise', {
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
  mutant('10.2', 'is empty after a restart, and does not say so', { lacks: [] }),
  mutant('10.2', 'evicts, and does not say so', { variant: 'expiring', lacks: [] }),
  mutant('10.2', 'says that it is empty after a restart, and is not', { server: { isDurable: true } }),
  mutant('10.2', 'says that it lacks what it does not: atomic', { lacks: ['durability', 'atomic'] }),
  mutant('10.2', 'says that it lacks what it does not: fresh', { lacks: ['durability', 'fresh'] }),
  mutant('10.2', 'says twice what it lacks', { lacks: ['durability', 'durability'] }),
  mutant('10.2', 'says in a word of its own what it lacks', {
    adapter: (correct) => (options, context) =>
      Object.assign({ ...correct(options, context) }, { lacks: ['durability', 'speed'] }),
  }),
]

export const objectMutants: readonly Mutant[] = [...fields, ...lacks]
