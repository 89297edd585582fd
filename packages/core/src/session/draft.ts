import { SessError, shorten } from '../error.js'
import type { Change, Changes } from './merge.js'
import { valueAt, type Values, type Json, setValue } from './values.js'
import { isObject, isSame, isUnaltered } from './compare.js'
import { jsonOf } from './json.js'
import type { SessionSchema } from './schema.js'
import { storable } from './storable.js'

export type Update = (value: unknown) => unknown

/** Copies a value as it is stored. `undefined`: there is nothing to store. Throws `INVALID_VALUE` for what cannot be. */
type Copy = (value: unknown, key: string) => Json | undefined

/** The latest change of one key. Its value is live: the application has a reference to it and may still alter it. */
interface Edit {
  readonly value: unknown
  /** A copy of the value, made when it was given. */
  readonly copy: Json | undefined
  /** The value depends on one that was read. */
  readonly dependsOnRead: boolean
  /** The value is one that the session had, altered in place. */
  readonly isAltered?: true
  /** The functions that make the value from the one before. Left out: the value was assigned. */
  readonly updates?: readonly Update[]
}

/** Values as they are stored, and as the application sees them. The objects in it are never handed out. */
interface View {
  readonly stored: Values
  /** What the schema makes of the stored values. Without a schema, the same object. */
  readonly shown: Values
}

/** A key's value as it is stored, and as the application sees it. */
interface Viewed {
  readonly stored: Json | undefined
  readonly shown: Json | undefined
}

/** An object that the application had from the session, or gave to it, before `save`. */
interface Retired {
  readonly key: string
  readonly object: object
  /** What it held when it was retired. */
  readonly copy: Json | undefined
}

/** Changes that are being stored. */
export interface Sent {
  readonly changes: Changes
  /** The number of times that the session had been destroyed. */
  readonly era: number
}

/**
 * What one request sees of a session and changes in it. It records which keys were read, because what is written to
 * them afterwards depends on what was read. It also records which objects were handed out, because these can be altered
 * without an assignment.
 */
export class Draft {
  readonly #schema: SessionSchema | undefined
  /** What the request has last seen, without its edits. */
  #view: View
  /** The values in the store, as far as the request knows. */
  #stored: Values
  /** The copies of shown objects that were handed out, by key. */
  #live: Map<string, unknown> | undefined
  #edits: Map<string, Edit> | undefined
  /**
   * What a save stored for its changes, where that is not what the request saw. Shown from the next read on: until
   * then, a write depends on the value that the request did see.
   */
  #news: Map<string, Viewed> | undefined
  #retired: Retired[] | undefined
  #era = 0
  #seen: Set<string> | undefined
  #enumerated = false
  #used = false
  #forcesAssigned = false
  #copy: Copy = storableOrNone

  constructor(stored: Values, schema?: SessionSchema) {
    this.#schema = schema
    this.#view = this.#viewOf(stored)
    this.#stored = stored
  }

  /** Whether the application has read or written anything. */
  get isUsed(): boolean {
    return this.#used
  }

  /** The stored values that the request has last seen, without its edits. */
  get basis(): Values {
    return this.#view.stored
  }

  /** From now on, values are stored as JSON makes them, instead of being refused. */
  takeAnyValue(): void {
    this.#copy = jsonOf
  }

  read(key: string): unknown {
    if (this.#news !== undefined) this.#catchUp(key)
    this.#observe(key)
    return this.#current(key)
  }

  keys(): string[] {
    this.#used = true
    this.#enumerated = true
    return this.currentKeys()
  }

  /** Whether the request has given a key another value than these have. Does not count as a read. */
  isChangedFrom(values: Values, key: string): boolean {
    const edit = this.#edits?.get(key)
    return edit !== undefined && !Object.is(edit.value, valueAt(values, key))
  }

  /** The keys, without counting as a read. */
  currentKeys(): string[] {
    return [...this.#currentKeys('shown')]
  }

  /** Whether there is nothing to store. What only the schema adds, such as a default, is not stored. */
  get isEmpty(): boolean {
    return this.#currentKeys('stored').size === 0
  }

  #currentKeys(side: keyof View): ReadonlySet<string> {
    const keys = new Set(Object.keys(this.#view[side]))
    const put = (key: string, value: unknown) => (value === undefined ? keys.delete(key) : keys.add(key))
    for (const [key, viewed] of this.#news ?? []) put(key, viewed[side])
    for (const [key, { value }] of this.#edits ?? []) put(key, value)
    return keys
  }

  assign(key: string, given: unknown): void {
    const value = given ?? undefined
    const copy = this.#copy(value, key)
    this.#used = true
    const edit = this.#edits?.get(key)
    const dependsOnRead = edit && !edit.updates ? edit.dependsOnRead : this.#isSeen(key)
    this.#edit(key, { value, copy, dependsOnRead })
    // As before a save, what was replaced may be altered and is not stored.
    this.#retired = this.#retired?.filter((retired) => retired.key !== key)
  }

  update(key: string, update: Update): unknown {
    this.#absorb(key)
    this.#catchUp(key)
    const value = update(this.#copyOfCurrent(key)) ?? undefined
    this.#append(key, update, value, this.#copy(value, key))
    this.#observe(key)
    return value
  }

  take(key: string): unknown {
    this.#absorb(key)
    this.#catchUp(key)
    const copy = this.#copyOfCurrent(key)
    const taken = this.#current(key)
    // When it runs again, it leaves a value that another request has put there since: that one has not been taken.
    this.#append(key, (newest) => (isSame(this.#copy(newest, key), copy) ? undefined : newest))
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

  /**
   * What differs from the shown values. The values in it are copies that no other code can alter. Throws `CONFLICT` if
   * an object was altered that the request had before a save.
   */
  changes(): Changes {
    for (const { key, object, copy } of this.#retired ?? []) if (!isUnaltered(object, copy)) throw alteredLate(key)
    for (const key of this.#live?.keys() ?? []) this.#absorb(key)
    const changes = new Map<string, Change>()
    for (const key of this.#edits?.keys() ?? []) {
      this.#absorb(key)
      const edit = this.#edits?.get(key)
      if (!edit) continue
      const value = isUnaltered(edit.value, edit.copy) ? edit.copy : this.#copy(edit.value, key)
      if (this.#isUnchanged(key, value, edit.updates !== undefined)) continue
      changes.set(key, {
        value,
        dependsOnRead: edit.dependsOnRead,
        ...(edit.isAltered && { isAltered: edit.isAltered }),
        ...(edit.updates && { rerun: this.#chain(key, edit.updates) }),
      })
    }
    if (this.#schema !== undefined && changes.size > 0) this.#schema.assertFits(this.basis, valuesOf(changes))
    return changes
  }

  /**
   * Continues while `changes`, which are all that `changes()` returned, are being stored: they are no longer part of
   * `changes()`. The objects that the application has are retired. Each may be older than what is then stored, so an
   * alteration of it is refused.
   */
  send(changes: Changes): Sent {
    for (const key of changes.keys()) this.#news?.delete(key)
    this.#view = this.#with(
      this.#view,
      [...changes].map(([key, { value }]) => [key, { stored: value, shown: value }]),
    )
    for (const [key, live] of this.#live ?? []) if (!this.#edits?.has(key)) this.#retire(key, live)
    for (const [key, { value }] of this.#edits ?? []) this.#retire(key, value)
    this.#live = undefined
    this.#edits = undefined
    this.#forcesAssigned = false
    return { changes, era: this.#era }
  }

  /**
   * Continues after `sent` was stored. `own` are the values after this request's own turn, and `stored` those in the
   * store, which may have later changes of others. A key that the request has only read stays as it was.
   */
  settle({ changes, era }: Sent, own: Values, stored: Values): void {
    if (era !== this.#era) return
    const seen = this.#view
    const now = this.#viewOf(own)
    if (!this.#enumerated) {
      const kept = [...(this.#seen ?? []), ...changes.keys()]
      this.#view = this.#with(
        now,
        kept.map((key) => [key, viewedIn(seen, key)]),
      )
    }
    for (const key of changes.keys()) {
      const viewed = viewedIn(now, key)
      if (!isSame(viewed.stored, valueAt(seen.stored, key))) (this.#news ??= new Map()).set(key, viewed)
    }
    this.#stored = stored
  }

  /** Continues after the session was replaced by another one, which holds these values. */
  replace(values: Values): void {
    const edits = this.#edits
    this.clear()
    this.#edits = edits
    this.#view = this.#viewOf(values)
    this.#stored = values
  }

  /** Begins again with these values: what was changed is dropped. */
  reset(values: Values): void {
    this.clear()
    this.#view = this.#viewOf(values)
    this.#stored = values
  }

  /** Drops the edits, and alterations of the objects that were handed out. */
  discard(): void {
    this.#live = undefined
    this.#edits = undefined
    this.#retired = undefined
  }

  /** Drops the session's values. What is assigned from now on belongs to a new session. */
  clear(): void {
    this.#used = true
    this.#view = this.#viewOf({})
    this.#stored = {}
    this.#forcesAssigned = false
    this.#live = undefined
    this.#edits = undefined
    this.#news = undefined
    this.#retired = undefined
    this.#era++
    this.#seen = undefined
    this.#enumerated = false
  }

  #viewOf(stored: Values): View {
    return { stored, shown: this.#schema === undefined ? stored : this.#schema.read(stored) }
  }

  #with(view: View, parts: readonly (readonly [key: string, viewed: Viewed])[]): View {
    const stored = { ...view.stored }
    for (const [key, viewed] of parts) setValue(stored, key, viewed.stored)
    if (this.#schema === undefined) return { stored, shown: stored }
    const shown = { ...view.shown }
    for (const [key, viewed] of parts) setValue(shown, key, viewed.shown)
    return { stored, shown }
  }

  #current(key: string): unknown {
    const edit = this.#edits?.get(key)
    if (edit) return edit.value
    const shown = valueAt(this.#view.shown, key)
    if (!isObject(shown)) return shown ?? undefined
    let live = this.#live?.get(key)
    if (live === undefined) this.#handOut(key, (live = storable(shown, key)))
    return live
  }

  /** A copy, so that an update that alters its argument and then throws has changed nothing. */
  #copyOfCurrent(key: string): Json | undefined {
    return this.#copy(this.#current(key), key)
  }

  #observe(key: string): void {
    const edit = this.#edits?.get(key)
    // Every `await` of a session reads `then`.
    if (key === 'then' && edit === undefined && valueAt(this.#view.shown, key) === undefined) return
    this.#used = true
    if (edit && !edit.updates) return
    this.#seen ??= new Set()
    this.#seen.add(key)
  }

  /**
   * Whether an edit leaves the key as it is stored. A value that the application assigned is stored as it is, and one that
   * its function left as it was shown stays as it was stored. The stored value may be newer than the one that the request
   * has seen, if an update ran again on it.
   */
  #isUnchanged(key: string, value: Json | undefined, isUpdated: boolean): boolean {
    if (this.#forcesAssigned && value !== undefined) return false
    const { stored, shown } = viewedIn(this.#view, key)
    return isSame(value, isUpdated ? shown : stored) && isSame(stored, valueAt(this.#stored, key))
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

  /** Shows what a save has stored under a key that was not written since. */
  #catchUp(key: string): void {
    const viewed = this.#news?.get(key)
    if (viewed === undefined) return
    this.#absorb(key)
    if (this.#edits?.has(key)) return
    this.#retire(key, this.#live?.get(key))
    this.#live?.delete(key)
    this.#view = this.#with(this.#view, [[key, viewed]])
    this.#news?.delete(key)
  }

  /** `value` is what the application has of a key whose value is the shown one. */
  #retire(key: string, value: unknown): void {
    if (isObject(value)) (this.#retired ??= []).push({ key, object: value, copy: valueAt(this.#view.shown, key) })
  }

  /** Runs functions of a key's value on the newest one. */
  #chain(key: string, updates: readonly Update[]): (newest: Values) => Json | undefined {
    return (newest) => {
      const { stored, shown } = viewedIn(this.#viewOf(newest), key)
      let value = shown
      for (const update of updates) value = this.#copy(update(this.#copy(value, key)), key)
      if (this.#schema === undefined) return value
      if (isSame(value, shown)) return stored
      this.#schema.assertFits(newest, new Map([[key, value]]))
      return value
    }
  }

  /** Turns an alteration of an object that was handed out into an edit. */
  #absorb(key: string): void {
    const edit = this.#edits?.get(key)
    if (edit === undefined) {
      const live = this.#live?.get(key)
      if (live !== undefined) this.#guard(key, live, valueAt(this.#view.shown, key))
    } else if (edit.updates) {
      this.#guard(key, edit.value, edit.copy)
    }
  }

  #guard(key: string, value: unknown, known: Json | undefined): void {
    if (isUnaltered(value, known)) return
    const copy = this.#copy(value, key)
    if (!isSame(copy, known)) this.#edit(key, { value, copy, dependsOnRead: true, isAltered: true })
  }
}

function alteredLate(key: string): SessError {
  const name = shorten(JSON.stringify(key))
  return new SessError(
    'CONFLICT',
    `The object under session key ${name} was altered after session.save(), by a reference from before it. The object may ` +
      `be older than what save() stored, so the change was refused. Read session[${name}] again after save(), and alter that.`,
  )
}

function viewedIn({ stored, shown }: View, key: string): Viewed {
  return { stored: valueAt(stored, key), shown: valueAt(shown, key) }
}

function valuesOf(changes: Changes): ReadonlyMap<string, Json | undefined> {
  return new Map([...changes].map(([key, { value }]) => [key, value]))
}

function storableOrNone(value: unknown, key: string): Json | undefined {
  return value === undefined || value === null ? undefined : storable(value, key)
}
