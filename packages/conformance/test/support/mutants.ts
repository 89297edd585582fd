import type { Mutant } from './mutant.ts'
import { clientMutants } from './mutants/client.ts'
import { closeMutants } from './mutants/close.ts'
import { createMutants } from './mutants/create.ts'
import { destroyMutants } from './mutants/destroy.ts'
import { everythingMutants } from './mutants/everything.ts'
import { expiryMutants } from './mutants/expiry.ts'
import { foreignMutants } from './mutants/foreign.ts'
import { isolationMutants } from './mutants/isolation.ts'
import { objectMutants } from './mutants/object.ts'
import { optionMutants } from './mutants/option.ts'
import { outageMutants } from './mutants/outage.ts'
import { readMutants } from './mutants/read.ts'
import { residueMutants } from './mutants/residue.ts'
import { uncertaintyMutants } from './mutants/uncertainty.ts'
import { updateMutants } from './mutants/update.ts'

/** The mutants of server stores in the order of the contract, followed by those of client stores. */
export const mutants: readonly Mutant[] = [
  ...createMutants,
  ...readMutants,
  ...updateMutants,
  ...destroyMutants,
  ...isolationMutants,
  ...expiryMutants,
  ...outageMutants,
  ...foreignMutants,
  ...uncertaintyMutants,
  ...closeMutants,
  ...optionMutants,
  ...residueMutants,
  ...everythingMutants,
  ...objectMutants,
  ...clientMutants,
]
