import type { ServerClause } from '../../case.js'
import { expectOptionsChecked } from '../option.js'
import { closing } from './close.js'
import { otherClock } from './clock.js'
import { foreignBytes } from './foreign.js'
import { refusedWrites } from './full.js'
import { recovery } from './recovery.js'
import { residue } from './residue.js'
import { uncertainWrites } from './uncertainty.js'
import { unreachableBackend } from './unreachable.js'

const wrongOptions: ServerClause = {
  id: '7.6',
  says: 'A bad or unknown option fails with INVALID_OPTION when the store is made. The message names the option, what was given and what is expected. It describes text by its kind only and never repeats its content. Secrets never appear in a message.',
  cases: [
    {
      title: 'refuses bad options when the store is made',
      run: async (stage) => expectOptionsChecked(stage.harness, stage.optionsOf(), (options) => stage.make(options)),
    },
  ],
}

export const failure: readonly ServerClause[] = [
  unreachableBackend,
  recovery,
  foreignBytes,
  uncertainWrites,
  closing,
  wrongOptions,
  residue,
  refusedWrites,
  otherClock,
]
