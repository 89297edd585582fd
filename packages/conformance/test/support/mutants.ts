import type { Mutant } from './mutant.ts'
import { checkMutants } from './mutants/check.ts'
import { clientMutants } from './mutants/client.ts'
import { closeMutants } from './mutants/close.ts'
import { afterPruneMutants } from './mutants/after-prune.ts'
import { clockMutants } from './mutants/clock.ts'
import { createMutants } from './mutants/create.ts'
import { destroyMutants } from './mutants/destroy.ts'
import { everythingMutants } from './mutants/everything.ts'
import { expiryMutants } from './mutants/expiry.ts'
import { foreignMutants } from './mutants/foreign.ts'
import { fullMutants } from './mutants/full.ts'
import { isolationMutants } from './mutants/isolation.ts'
import { objectMutants } from './mutants/object.ts'
import { optionMutants } from './mutants/option.ts'
import { outageMutants } from './mutants/outage.ts'
import { lateMutants } from './mutants/late.ts'
import { mindMutants } from './mutants/mind.ts'
import { pruneMutants } from './mutants/prune.ts'
import { readMutants } from './mutants/read.ts'
import { recoveryMutants } from './mutants/recovery.ts'
import { residueMutants } from './mutants/residue.ts'
import { uncertaintyMutants } from './mutants/uncertainty.ts'
import { unreachableMutants } from './mutants/unreachable.ts'
import { scopeMutants } from './mutants/scope.ts'
import { textMutants } from './mutants/text.ts'
import { updateMutants } from './mutants/update.ts'
import { versionMutants } from './mutants/version.ts'

/** The mutants of server stores, followed by those of client stores. */
export const mutants: readonly Mutant[] = [
  ...createMutants,
  ...textMutants,
  ...readMutants,
  ...updateMutants,
  ...versionMutants,
  ...destroyMutants,
  ...isolationMutants,
  ...scopeMutants,
  ...expiryMutants,
  ...pruneMutants,
  ...afterPruneMutants,
  ...mindMutants,
  ...outageMutants,
  ...unreachableMutants,
  ...recoveryMutants,
  ...foreignMutants,
  ...uncertaintyMutants,
  ...lateMutants,
  ...closeMutants,
  ...optionMutants,
  ...residueMutants,
  ...fullMutants,
  ...clockMutants,
  ...everythingMutants,
  ...objectMutants,
  ...checkMutants,
  ...clientMutants,
]
