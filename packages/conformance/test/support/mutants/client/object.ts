import { SessError } from '@sess/core/adapter'
import type { Mutant } from '../../mutant.ts'
import { clientMutant } from './mutant.ts'

/** A client store with one field replaced. */
function withField(name: string, field: object): Mutant {
  return clientMutant('10.1', name, {
    adapter: (correct) => (options, context) => Object.assign(correct(options, context), field),
  })
}

export const objectMutants: readonly Mutant[] = [
  clientMutant('7.6', 'ignores unknown options', {
    adapter: (correct) => (_, context) => correct({}, context),
  }),
  clientMutant('7.6', 'repeats the options that it refuses', {
    adapter: (correct) => (given, context) => {
      try {
        return correct(given, context)
      } catch (error) {
        const message = error instanceof Error ? error.message : ''
        const all = Object.values(given).map(String).join(', ')
        throw new SessError('INVALID_OPTION', `${message} Given: ${all}`, { cause: error })
      }
    },
  }),
  withField('has no name', { name: '' }),
  withField('has a fractional maxBytes', { maxBytes: 100.5 }),
]
