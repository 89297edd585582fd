import { SessError } from '@sess/core/adapter'
import { mutant, type Mutant } from '../mutant.ts'

export const optionMutants: readonly Mutant[] = [
  mutant('7.6', 'ignores unknown options', {
    adapter:
      (correct) =>
      ({ scope, address, client, deadline }, context) =>
        correct(
          {
            ...(scope !== undefined && { scope }),
            ...(address !== undefined && { address }),
            ...(client && { client }),
            ...(deadline !== undefined && { deadline }),
          },
          context,
        ),
  }),
  mutant('7.6', 'refuses options with an error of another kind', {
    adapter: (correct) => (given, context) => {
      try {
        return correct(given, context)
      } catch (error) {
        throw new TypeError(error instanceof Error ? error.message : '', { cause: error })
      }
    },
  }),
  mutant('7.6', 'repeats the options that it refuses', {
    adapter: (correct) => (given, context) => {
      try {
        return correct(given, context)
      } catch (error) {
        const message = error instanceof Error ? error.message : ''
        throw new SessError('INVALID_OPTION', `${message} Given: ${Object.values(given).map(String).join(', ')}`)
      }
    },
  }),
  mutant('7.6', 'does not name the option that it refuses', {
    adapter: (correct) => (given, context) => {
      try {
        return correct(given, context)
      } catch {
        throw new SessError('INVALID_OPTION', 'An option is wrong.')
      }
    },
  }),
]
