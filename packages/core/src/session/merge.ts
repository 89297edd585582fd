import { SessError, shorten } from '../error.js'
import { valueAt, type Values, type Json, setValue } from './values.js'
import { isSame } from './compare.js'

/** What one request does to one key. */
export interface Change {
  /** The key's value at the end of the request. `undefined` removes the key. */
  readonly value: Json | undefined
  /** The change depends on a value that was read, so it conflicts with another request's change of the key. */
  readonly dependsOnRead: boolean
  /** The value is one that the session had, altered in place. */
  readonly isAltered?: true
  /** Makes the value from the newest one. Left out if the value does not depend on it. */
  readonly rerun?: (newest: Json | undefined) => Json | undefined
}

export type Changes = ReadonlyMap<string, Change>
export type ConflictPolicy = 'fail' | 'overwrite'

/**
 * Applies changes to the newest values; `shown` are the values that the request saw. Changes are applied key by key and
 * never merged within a key. If the request read a key and wrote it, and another request changed that key in between,
 * throws `CONFLICT`, unless the policy is `'overwrite'`.
 */
export function merge(newest: Values, shown: Values, changes: Changes, policy: ConflictPolicy): Values {
  const merged = { ...newest }
  for (const [key, change] of changes) {
    setValue(merged, key, valueOf(key, change, valueAt(newest, key), valueAt(shown, key), policy))
  }
  return merged
}

function valueOf(
  key: string,
  change: Change,
  newest: Json | undefined,
  shown: Json | undefined,
  policy: ConflictPolicy,
): Json | undefined {
  if (isSame(newest, shown)) return change.value
  if (change.dependsOnRead && policy === 'fail') throw new KeyConflict(key)
  return change.rerun ? change.rerun(newest) : change.value
}

/** Two requests have changed a key of one session, and this one had read it. */
export class KeyConflict extends SessError {
  readonly #key: string

  constructor(key: string) {
    const name = shorten(JSON.stringify(key))
    super(
      'CONFLICT',
      `Session key ${name} was read by this request and changed by another one before this one wrote it. ` +
        `Use session.update(${name}, value => …), which runs again on the newest value, or try the request again.`,
    )
    this.#key = key
  }

  get key(): string {
    return this.#key
  }
}
