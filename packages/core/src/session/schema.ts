import { SessError } from '../error.js'
import type { StandardSchema } from './standard-schema.js'
import { pathText } from './storable.js'
import { type Json, setValue, valueAt, type Values } from './values.js'
import { ask, type Refusal, type Verdict } from './verdict.js'

/** Values by their keys. `undefined` removes a key. */
type Changed = ReadonlyMap<string, Json | undefined>

/** Values without those that a schema refuses. */
interface Sifted {
  /** As they are stored. */
  readonly fitting: Values
  /** What the schema makes of them. `undefined`: nothing, since a required key is missing. */
  readonly made: Values | undefined
  /** Why the others do not fit, by their keys. */
  readonly refused: ReadonlyMap<string, Refusal>
}

/** An application's code names fewer keys. A browser's visitor may be the one who names them. */
const MAX_TOLD = 100

/**
 * The schema of an application's sessions. It reads what is stored, and each version of the application reads with its own:
 * what is stored is what was assigned, and nothing is rewritten because it was read.
 */
export class SessionSchema {
  readonly #schema: StandardSchema
  readonly #owner: string | undefined
  readonly #onError: (error: unknown) => void
  /** The keys that `onError` was told of. */
  readonly #told = new Set<string>()

  /** Throws `INVALID_OPTION` if the schema refuses a new session, which is empty. `owner` is the key of the user's id. */
  constructor(schema: StandardSchema, owner: string | undefined, onError: (error: unknown) => void) {
    this.#schema = schema
    this.#owner = owner
    this.#onError = onError
    const [refusal] = this.#ask({}).refusals
    if (refusal !== undefined) throw unfit(refusal)
  }

  /** What the application sees of what is stored: what the schema makes of the values that fit. `onError` is told of the others. */
  read(stored: Values): Values {
    const { fitting, made, refused } = this.#sift(stored)
    for (const [key, refusal] of refused) this.#tell(key, refusal)
    return made ?? fitting
  }

  /** Throws `INVALID_VALUE` if one of the changes does not fit. What was stored before may. */
  assertFits(stored: Values, changes: Changed): void {
    let verdict = this.#ask(withChanges(stored, changes))
    // What is refused may have been stored before.
    if (verdict.refusals.length > 0) verdict = this.#askWithFitting(stored, changes)
    if (verdict.made !== undefined) assertMade(verdict.made, changes)
  }

  /** As `#ask`, of the changes and those stored values that fit. Throws `INVALID_VALUE` if a change is refused. */
  #askWithFitting(stored: Values, changes: Changed): Verdict {
    const unchanged = withChanges(stored, new Map([...changes.keys()].map((key) => [key, undefined])))
    const { fitting } = this.#sift(unchanged)
    const verdict = this.#ask(withChanges(fitting, changes))
    const [refusal] = verdict.refusals
    if (refusal === undefined) return verdict
    const [culprit] = refusal.path.length > 0 ? [] : this.#add(fitting, changes).refused.keys()
    throw misfit(culprit === undefined ? refusal : { ...refusal, path: [culprit] })
  }

  #ask(values: Values): Verdict {
    return ask(this.#schema, values, this.#owner)
  }

  #sift(stored: Values): Sifted {
    const refused = new Map<string, Refusal>()
    let fitting = stored
    for (;;) {
      const { made, refusals } = this.#ask(fitting)
      if (refusals.length === 0) return { fitting, made, refused }
      const blamed = new Map(
        refusals.flatMap((refusal) => refusal.path.slice(0, 1).map((key) => [key, refusal] as const)),
      )
      if (blamed.size === 0) {
        const sifted = this.#add({}, new Map(Object.entries(fitting)))
        return { ...sifted, refused: new Map([...refused, ...sifted.refused]) }
      }
      for (const [key, refusal] of blamed) refused.set(key, refusal)
      fitting = withChanges(fitting, new Map([...blamed.keys()].map((key) => [key, undefined])))
    }
  }

  /** Adds values one by one, each to those that fit: for a schema that refuses the values as a whole and names no key. */
  #add(to: Values, values: Changed): Sifted {
    const refused = new Map<string, Refusal>()
    let sifted = { fitting: to, made: this.#ask(to).made }
    for (const [key, value] of values) {
      const fitting = withChanges(sifted.fitting, new Map([[key, value]]))
      const { made, refusals } = this.#ask(fitting)
      const [refusal] = refusals
      if (refusal === undefined) sifted = { fitting, made }
      else refused.set(key, refusal)
    }
    return { ...sifted, refused }
  }

  #tell(key: string, refusal: Refusal): void {
    if (this.#told.has(key) || this.#told.size === MAX_TOLD) return
    this.#told.add(key)
    this.#onError(unread(refusal.path[0] === key ? refusal : { ...refusal, path: [key] }))
  }
}

function withChanges(values: Values, changes: Changed): Values {
  const changed = { ...values }
  for (const [key, value] of changes) setValue(changed, key, value)
  return changed
}

/** A schema may leave out what it does not know: to store that would lose it without a word. */
function assertMade(made: Values, changes: Changed): void {
  for (const [key, value] of changes) {
    if (value !== undefined && valueAt(made, key) === undefined)
      throw misfit({ path: [key], why: 'the schema leaves out the key; add the key to the schema' })
  }
}

function misfit({ path, why }: Refusal): SessError {
  return new SessError(
    'INVALID_VALUE',
    `${pathText(path)} does not fit the schema: ${why}. Nothing was stored. ` +
      "The schema's own message is left out, because it may repeat the value.",
  )
}

function unread({ path, why }: Refusal): SessError {
  return new SessError(
    'INVALID_VALUE',
    `${pathText(path)} was stored earlier, perhaps by another version of the application, and does not fit the schema: ${why}. ` +
      'The key reads as absent. What is stored stays until the key is assigned or removed. This is reported once for each key.',
  )
}

function unfit({ path, why }: Refusal): SessError {
  const what = path.length === 0 ? why : `${pathText(path)}: ${why}`
  return new SessError(
    'INVALID_OPTION',
    `Option sessions.schema cannot be used, because it refuses {}, as a new session is: ${what}. ` +
      'Pass one schema of an object, such as z.object({ userId: z.number() }).partial(); rules that several keys have to meet together belong inside one key.',
  )
}
