import { inspect } from 'node:util'
import { isSessError, type Store } from '@sess/core/adapter'
import { Breach, describeError, expectThat, show } from '../breach.js'
import { type Harness, release } from '../harness.js'

/** No option accepts this value. */
const STRANGER = Symbol('stranger')
/** Text that a message must not repeat. */
const SECRET = 'a secret that no message shows'

/** Options that every adapter must refuse, whether it has an option of that name or not. */
const WRONG: readonly object[] = [
  { [SECRET.replaceAll(' ', '')]: SECRET },
  { deadline: -1 },
  { deadline: 0.5 },
  { deadline: SECRET },
  { maxBytes: 0 },
  { maxBytes: Number.NaN },
  { maxBytes: SECRET },
]

/** Asserts that `make` throws `INVALID_OPTION` for each wrong option, and that its message repeats no given text. */
export function expectOptionsChecked(harness: Harness, right: object, make: (options: object) => Store): void {
  const strange = Object.keys(right).map((name) => ({ [name]: STRANGER }))
  for (const wrong of [...WRONG, ...strange, ...(harness.wrong ?? [])]) {
    const names = Object.keys(wrong)
    const done = `making a store with ${names.length === 1 ? `the wrong option ${show(wrong)}` : `wrong options ${show(wrong)}`}`
    expectRefused(done, names, () => make({ ...right, ...wrong }))
  }
}

function expectRefused(done: string, names: readonly string[], make: () => Store): void {
  let store: Store
  try {
    store = make()
  } catch (error) {
    const isRight = isSessError(error) && error.code === 'INVALID_OPTION'
    expectThat(isRight, done, 'a SessError INVALID_OPTION', describeError(error))
    const isNamed = names.some((name) => error.message.includes(name))
    expectThat(isNamed, done, `a message that names ${names.join(' or ')}`, error.message)
    const shown = inspect(error, { depth: Infinity, showHidden: true })
    expectThat(
      !shown.includes(SECRET),
      done,
      'an error that does not repeat the text that was given',
      'an error with that text',
    )
    return
  }
  if (store.kind === 'server') void release(store)
  throw new Breach(done, 'a SessError INVALID_OPTION', 'a store')
}
