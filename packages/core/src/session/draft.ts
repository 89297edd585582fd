import type { Change, Changes } from './merge.js'
import { valueAt, type Values, type Json, setValue } from './values.js'
import { isObject, isSame, isUnaltered } from './compare.js'
import { storable } from './storable.js'

export type Update = (value: unknown) => unknown

/** The latest change of one key. Its value is live: the application has a reference to it and may still alter it. */
interface Edit {
  readonly value: unknown
  /** A copy of the value, made when it was given. */
  readonly copy: Json | undefined
  /** The value depends on one that was read. */
  readonly dependsOnRead: boolean
  /** The functions that make the value from the one before. Left out: the value was assigned. */
  readonly updates?: readonly Update[]
}

/**
 * What one request sees of a session and changes in it. It records which keys were read, because what is written to
 * them afterwards depends on what was read. It also records which objects were handed out, because these can be altered
 * without an assignment.
 */
export class Draft {
  /** The values as the request sees them, without its edits. The objects in it are never handed out. */
  #shown: Values
  /** The values in the store, as far as the request knows. */
  #stored: Values
  /** The copies of shown objects that were handed out, by key. */
  #live: Map<string, unknown> | undefined
  #edits: Map<string, Edit> | undefined
  #seen: Set<string> | undefined
  #enumerated = false
  #used = false
  #forcesAssigned = false

  constructor(stored: Values) {
    this.#shown = stored
    this.#stored = stored
  }

  /** Whether the application has read or written anything. */
  get isUsed(): boolean {
    return this.#used
  }

  get shown(): Values {
    return this.#shown
  }

  read(key: string): unknown {
    this.#observe(key)
    return this.#current(key)
  }

  keys(): string[] {
    this.#used = true
    this.#enumerated = true
    return this.currentKeys()
  }

  /** The keys, without counting as a read. */
  currentKeys(): string[] {
    const keys = new Set(Object.keys(this.#shown))
    for (const [key, { value }] of this.#edits ?? []) {
      if (value === undefined) keys.delete(key)
      else keys.add(key)
    }
    return [...keys]
  }

  assign(key: string, given: unknown): void {
    const value = given ?? undefined
    const copy = storableOrNone(value, key)
    this.#used = true
    const edit = this.#edits?.get(key)
    const dependsOnRead = edit && !edit.updates ? edit.dependsOnRead : this.#isSeen(key)
    this.#edit(key, { value, copy, dependsOnRead })
  }

  update(key: string, update: Update): unknown {
    this.#absorb(key)
    const value = update(this.#copyOfCurrent(key)) ?? undefined
    this.#append(key, update, value, storableOrNone(value, key))
    this.#observe(key)
    return value
  }

  take(key: string): unknown {
    this.#absorb(key)
    const copy = this.#copyOfCurrent(key)
    const taken = this.#current(key)
    // When it runs again, it leaves a value that another request has put there since: that one has not been taken.
    this.#append(key, (newest) => (isSame(storableOrNone(newest, key), copy) ? undefined : newest))
    this.#observe(key)
    return taken
  }

  /**
   * From now on an assignment counts as a change even if the value is the same. A session that is about to move may
   * have ended by then; the new one then has only the values that this request has set.
   */
  forceAssigned(): void {
    this.#forcesAssigned = true
  }

  /** What differs from the shown values. The values in it are copies that no other code can alter. */
  changes(): Changes {
    for (const key of this.#live?.keys() ?? []) this.#absorb(key)
    const changes = new Map<string, Change>()
    for (const key of this.#edits?.keys() ?? []) {
      this.#absorb(key)
      const edit = this.#edits?.get(key)
      if (!edit) continue
      const value = isUnaltered(edit.value, edit.copy) ? edit.copy : storableOrNone(edit.value, key)
      if (this.#isUnchanged(key, value)) continue
      changes.set(key, {
        value,
        dependsOnRead: edit.dependsOnRead,
        ...(edit.updates && { rerun: chain(key, edit.updates) }),
      })
    }
    return changes
  }

  /**
   * Continues after `stored` and `changes` were stored. The request still sees what it has read or written, so a later
   * write that depends on that is checked against it.
   */
  rebase(stored: Values, changes: Changes): void {
    const shown = { ...(this.#enumerated ? this.#shown : stored) }
    if (!this.#enumerated) for (const key of this.#seen ?? []) setValue(shown, key, valueAt(this.#shown, key))
    for (const [key, { value }] of changes) setValue(shown, key, value)
    this.#shown = shown
    this.#stored = stored
    this.#forcesAssigned = false
    for (const [key, { value }] of this.#edits ?? []) {
      if (isObject(value)) this.#handOut(key, value)
      else this.#live?.delete(key)
    }
    this.#edits = undefined
  }

  /** Drops the session's values. What is assigned from now on belongs to a new session. */
  clear(): void {
    this.#used = true
    this.#shown = {}
    this.#stored = {}
    this.#forcesAssigned = false
    this.#live = undefined
    this.#edits = undefined
    this.#seen = undefined
    this.#enumerated = false
  }

  #current(key: string): unknown {
    const edit = this.#edits?.get(key)
    if (edit) return edit.value
    const shown = valueAt(this.#shown, key)
    if (!isObject(shown)) return shown ?? undefined
    let live = this.#live?.get(key)
    if (live === undefined) this.#handOut(key, (live = storable(shown, key)))
    return live
  }

  /** A copy, so that an update that alters its argument and then throws has changed nothing. */
  #copyOfCurrent(key: string): Json | undefined {
    return storableOrNone(this.#current(key), key)
  }

  #observe(key: string): void {
    const edit = this.#edits?.get(key)
    // Every `await` of a session reads `then`.
    if (key === 'then' && edit === undefined && valueAt(this.#shown, key) === undefined) return
    this.#used = true
    if (edit && !edit.updates) return
    this.#seen ??= new Set()
    this.#seen.add(key)
  }

  /** Compares with both: the shown value may be older than the stored one, if an update ran again on a newer value. */
  #isUnchanged(key: string, value: Json | undefined): boolean {
    if (this.#forcesAssigned && value !== undefined) return false
    return isSame(value, valueAt(this.#shown, key)) && isSame(value, valueAt(this.#stored, key))
  }

  #isSeen(key: string): boolean {
    return this.#enumerated || this.#seen?.has(key) === true
  }

  #edit(key: string, edit: Edit): void {
    this.#edits ??= new Map()
    this.#edits.set(key, edit)
  }

  #handOut(key: string, live: unknown): void {
    this.#live ??= new Map()
    this.#live.set(key, live)
  }

  #append(key: string, update: Update, value?: unknown, copy?: Json): void {
    const edit = this.#edits?.get(key)
    if (edit && !edit.updates) this.#edit(key, { value, copy, dependsOnRead: edit.dependsOnRead })
    else this.#edit(key, { value, copy, dependsOnRead: false, updates: [...(edit?.updates ?? []), update] })
  }

  /** Turns an alteration of an object that was handed out into an edit. */
  #absorb(key: string): void {
    const edit = this.#edits?.get(key)
    if (edit === undefined) {
      const live = this.#live?.get(key)
      if (live !== undefined) this.#guard(key, live, valueAt(this.#shown, key))
    } else if (edit.updates) {
      this.#guard(key, edit.value, edit.copy)
    }
  }

  #guard(key: string, value: unknown, known: Json | undefined): void {
    if (isUnaltered(value, known)) return
    const copy = storableOrNone(value, key)
    if (!isSame(copy, known)) this.#edit(key, { value, copy, dependsOnRead: true })
  }
}

function chain(key: string, updates: readonly Update[]): (newest: Json | undefined) => Json | undefined {
  return (newest) => {
    let value = newest
    for (const update of updates) value = storableOrNone(update(storableOrNone(value, key)), key)
    return value
  }
}

function storableOrNone(value: unknown, key: string): Json | undefined {
  return value === undefined || value === null ? undefined : storable(value, key)
}
