import type { ServerOptions } from '../line-server.ts'
import { type Defect, mutant, type Mutant } from '../mutant.ts'

const DAY = 86_400_000

/** Tells the backend a date, and not how long the entry lives. */
function dated(isDate: Required<ServerOptions>['isDate']): Defect {
  return { variant: 'expiring', server: { until: ({ expiresAt }) => expiresAt, isDate } }
}

export const clockMutants: readonly Mutant[] = [
  mutant(
    '7.9',
    'tells the backend until when an entry lives',
    dated(() => true),
  ),
  mutant(
    '7.9',
    'tells the backend at an update until when an entry lives',
    dated((_, before) => before !== undefined),
  ),
  mutant(
    '7.9',
    'tells the backend a date without a margin within a quarter of an hour',
    dated((left) => left < DAY / 96),
  ),
]
