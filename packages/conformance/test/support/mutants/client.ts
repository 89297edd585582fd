import type { Mutant } from '../mutant.ts'
import { alterationMutants } from './client/alteration.ts'
import { fidelityMutants } from './client/fidelity.ts'
import { junkMutants } from './client/junk.ts'
import { cookieValueMutants } from './client/cookie-value.ts'
import { objectMutants } from './client/object.ts'
import { purposeMutants } from './client/purpose.ts'
import { rotationMutants } from './client/rotation.ts'
import { secrecyMutants } from './client/secrecy.ts'

/** In the order of the contract. */
export const clientMutants: readonly Mutant[] = [
  ...fidelityMutants,
  ...alterationMutants,
  ...purposeMutants,
  ...rotationMutants,
  ...secrecyMutants,
  ...cookieValueMutants,
  ...junkMutants,
  ...objectMutants,
]
