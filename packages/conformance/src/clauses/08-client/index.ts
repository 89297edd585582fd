import type { ClientClause } from '../../case.js'
import { expectFields } from '../10-object.js'
import { expectOptionsChecked } from '../option.js'
import { alteration } from './alteration.js'
import { cookieValue, size } from './cookie-value.js'
import { fidelity } from './fidelity.js'
import { junk } from './junk.js'
import { purpose } from './purpose.js'
import { rotation } from './rotation.js'
import { secrecy } from './secrecy.js'

const wrongOptions: ClientClause = {
  id: '7.6',
  says: 'A bad or unknown option fails with INVALID_OPTION when the store is made. The message names the option, what was given and what is expected. It describes text by its kind only and never repeats its content. Secrets never appear in a message.',
  cases: [
    {
      title: 'refuses bad options when the store is made',
      run: async (stage) => expectOptionsChecked(stage.harness, stage.optionsOf(), (options) => stage.make(options)),
    },
  ],
}

const object: ClientClause = {
  id: '10.1',
  says: 'A store has the fields and methods of its interface, with their types, and nothing else that core reads. maxBytes is a positive integer and accurate.',
  cases: [
    {
      title: 'has the fields and methods of a client store',
      run: async (stage) => expectFields(stage.open(), 'client', ['seal', 'open']),
    },
  ],
}

/** The clauses of a client store, in the order of the contract. */
export const client: readonly ClientClause[] = [
  fidelity,
  alteration,
  purpose,
  rotation,
  secrecy,
  cookieValue,
  size,
  junk,
  wrongOptions,
  object,
]
