import { SessError, shorten } from '../error.js'
import type { Change, Changes } from './merge.js'
import { valueAt, type Values, type Json, setValue } from './values.js'
import { isObject, isSame, isUnaltered } from './compare.js'
import { jsonOf } from './json.js'
import type { SessionSchema } from './schema.js'
import { storable } from './storable.js'

export type Update = (value: unknown) => unknown

/** The schema of the slice that reads or changes the session. `undefined`: it has none. */
type Schema = SessionSchema | undefined

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
  /** What the value has to fit. */
  readonly schema: Schema
}

/** An object that was handed out. */
interface Live {
  readonly value: unknown
  /** What it held then. */
  readonly known: Json | undefined
}

/** The objects that were handed out to the slices with one schema, by key. Nearly always all slices have the same. */
interface Lives {
  readonly schema: Schema
  readonly byKey: Map<string, Live>
}

/** What is assigned to keys, for their schema to check. */
type Checked = Map<string, Json | undefined>

/** What a schema makes of the values that the request has last seen. */
interface View {
  readonly of: Values
  readonly shown: Values
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
  /** The values that the request has last seen, as stored and without its edits. The objects in it are never handed out. */
  #shown: Values
  /** What each schema makes of them. */
  #views: Map<SessionSchema, View> | undefined
  /** The values in the store, as far as the request knows. */
  #stored: Values
  /** The copies of shown objects that were handed out. */
  #live: Lives[] | undefined
  #edits: Map<string, Edit> | undefined
  /**
   * What a save stored for its changes, where that is not what the request saw. Shown from the next read on: until
   * then, a write depends on the value that the request did see.
   */
  #news: Map<string, Json | undefined> | undefined
  #retired: Retired[] | undefined
  #era = 0
  #seen: Set<string> | undefined
  #enumerated = false
  #used = false
  #forcesAssigned = false
  #copy: Copy = storableOrNone

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

  /** From now on, values are stored as JSON makes them, instead of being refused. */
  takeAnyValue(): void {
    this.#copy = jsonOf
  }

  /** Lets a schema read the stored values now, so that `onError` is told. */
  check(schema: Schema): void {
    this.#shownBy(schema)
  }

  read(key: string, schema: Schema): unknown {
    if (this.#news !== undefined) this.#catchUp(key)
    this.#observe(key, schema)
    return this.#current(key, schema)
  }

  keys(schema: Schema): string[] {
    this.#used = true
    this.#enumerated = true
    for (const key of this.#news?.keys() ?? []) this.#catchUp(key)
    return this.#keysOver(this.#shownBy(schema))
  }

  /** Whether the request has given a key another value than these have. Does not count as a read. */
  isChangedFrom(values: Values, key: string): boolean {
    const edit = this.#edits?.get(key)
    return edit !== undefined && !Object.is(edit.value, valueAt(values, key))
  }

  /** The keys of what is stored or is to be, without counting as a read. */
  currentKeys(): string[] {
    return this.#keysOver(this.#shown)
  }

  #keysOver(values: Values): string[] {
    const keys = new Set(Object.keys(values))
    const note = (key: string, value: unknown) => (value === undefined ? keys.delete(key) : keys.add(key))
    for (const [key, value] of this.#news ?? []) note(key, value)
    for (const [key, { value }] of this.#edits ?? []) note(key, value)
    return [...keys]
  }

  assign(key: string, given: unknown, schema: Schema): void {
    const value = given ?? undefined
    const copy = this.#copy(value, key)
    this.#used = true
    const edit = this.#edits?.get(key)
    const dependsOnRead = edit && !edit.updates ? edit.dependsOnRead : this.#isSeen(key)
    this.#edit(key, { value, copy, dependsOnRead, schema })
    // As before a save, what was replaced may be altered and is not stored.
    this.#retired = this.#retired?.filter((retired) => retired.key !== key)
  }

  update(key: string, update: Update, schema: Schema): unknown {
    this.#absorb(key)
    this.#catchUp(key)
    const value = update(this.#copyOfCurrent(key, schema)) ?? undefined
    this.#append(key, update, value, this.#copy(value, key), schema)
    this.#observe(key, schema)
    return value
  }

  take(key: string, schema: Schema): unknown {
    this.#absorb(key)
    this.#catchUp(key)
    const copy = this.#copyOfCurrent(key, schema)
    const taken = this.#current(key, schema)
    // When it runs again, it leaves a value that another request has put there since: that one has not been taken.
    const leave: Update = (newest) => (isSame(this.#copy(newest, key), copy) ? undefined : newest)
    this.#append(key, leave, undefined, undefined, schema)
    this.#observe(key, schema)
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
   * an object was altered that the request had before a save, and `INVALID_VALUE` for what does not fit a schema.
   */
  changes(): Changes {
    for (const { key, object, copy } of this.#retired ?? []) if (!isUnaltered(object, copy)) throw alteredLate(key)
    for (const { byKey } of this.#live ?? []) for (const key of byKey.keys()) this.#absorb(key)
    const changes = new Map<string, Change>()
    let checked: Map<SessionSchema, Checked> | undefined
    for (const key of this.#edits?.keys() ?? []) {
      this.#absorb(key)
      const edit = this.#edits?.get(key)
      if (!edit) continue
      const value = isUnaltered(edit.value, edit.copy) ? edit.copy : this.#copy(edit.value, key)
      if (this.#isUnchanged(key, value, edit)) continue
      if (edit.schema !== undefined) group((checked ??= new Map<SessionSchema, Checked>()), edit.schema, key, value)
      changes.set(key, {
        value,
        dependsOnRead: edit.dependsOnRead,
        ...(edit.isAltered && { isAltered: edit.isAltered }),
        ...(edit.updates && { rerun: chain(key, edit.updates, this.#copy, edit.schema) }),
      })
    }
    for (const [schema, values] of checked ?? []) schema.assertFits(this.#shown, values)
    return changes
  }

  /**
   * Continues while `changes`, which are all that `changes()` returned, are being stored: they are no longer part of
   * `changes()`. The objects that the application has are retired. Each may be older than what is then stored, so an
   * alteration of it is refused.
   */
  send(changes: Changes): Sent {
    for (const { byKey } of this.#live ?? [])
      for (const [key, live] of byKey) if (!this.#edits?.has(key)) this.#retire(key, live)
    for (const [key, edit] of this.#edits ?? []) {
      const change = changes.get(key)
      this.#retire(key, { value: edit.value, known: change ? change.value : this.#before(key, edit) })
    }
    const shown = { ...this.#shown }
    for (const [key, { value }] of changes) {
      setValue(shown, key, value)
      this.#news?.delete(key)
    }
    this.#shown = shown
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
    const seen = this.#shown
    if (!this.#enumerated) {
      const shown = { ...own }
      for (const key of [...(this.#seen ?? []), ...changes.keys()]) setValue(shown, key, valueAt(seen, key))
      this.#shown = shown
    }
    for (const key of changes.keys()) {
      const value = valueAt(own, key)
      if (!isSame(value, valueAt(seen, key))) (this.#news ??= new Map()).set(key, value)
    }
    this.#stored = stored
  }

  /** Continues after the session was replaced by another one, which holds these values. */
  replace(values: Values): void {
    const edits = this.#edits
    this.clear()
    this.#edits = edits
    this.#shown = values
    this.#stored = values
  }

  /** Begins again with these values: what was changed is dropped. */
  reset(values: Values): void {
    this.clear()
    this.#shown = values
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
    this.#shown = {}
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

  /** What the schema makes of the shown values. */
  #shownBy(schema: Schema): Values {
    if (schema === undefined) return this.#shown
    const view = this.#views?.get(schema)
    if (view?.of === this.#shown) return view.shown
    const shown = schema.read(this.#shown)
    this.#views ??= new Map()
    this.#views.set(schema, { of: this.#shown, shown })
    return shown
  }

  #current(key: string, schema: Schema): unknown {
    const edit = this.#edits?.get(key)
    if (edit) return edit.value
    const shown = valueAt(this.#shownBy(schema), key)
    if (!isObject(shown)) return shown ?? undefined
    return this.#livesOf(schema)?.get(key)?.value ?? this.#handOut(key, shown, schema)
  }

  /** A copy, so that an update that alters its argument and then throws has changed nothing. */
  #copyOfCurrent(key: string, schema: Schema): Json | undefined {
    return this.#copy(this.#current(key, schema), key)
  }

  #observe(key: string, schema: Schema): void {
    const edit = this.#edits?.get(key)
    // Every `await` of a session reads `then`.
    if (key === 'then' && edit === undefined && valueAt(this.#shownBy(schema), key) === undefined) return
    this.#used = true
    if (edit && !edit.updates) return
    this.#seen ??= new Set()
    this.#seen.add(key)
  }

  /**
   * Compares with both: the shown value may be older than the stored one, if an update ran again on a newer value. What an
   * update leaves as the schema shows it stays as it is stored; what is assigned is stored as it is.
   */
  #isUnchanged(key: string, value: Json | undefined, edit: Edit): boolean {
    if (this.#forcesAssigned && value !== undefined) return false
    return isSame(value, this.#before(key, edit)) && isSame(valueAt(this.#shown, key), valueAt(this.#stored, key))
  }

  /** The value that an edit leaves as it is. */
  #before(key: string, { updates, schema }: Edit): Json | undefined {
    return valueAt(updates ? this.#shownBy(schema) : this.#shown, key)
  }

  #isSeen(key: string): boolean {
    return this.#enumerated || this.#seen?.has(key) === true
  }

  #edit(key: string, edit: Edit): void {
    this.#edits ??= new Map()
    this.#edits.set(key, edit)
  }

  #handOut(key: string, known: Json, schema: Schema): unknown {
    const value = storable(known, key)
    const live = { value, known }
    const lives = this.#livesOf(schema)
    if (lives) lives.set(key, live)
    else (this.#live ??= []).push({ schema, byKey: new Map([[key, live]]) })
    return value
  }

  #livesOf(schema: Schema): Map<string, Live> | undefined {
    for (const lives of this.#live ?? []) if (lives.schema === schema) return lives.byKey
    return undefined
  }

  #append(key: string, update: Update, value: unknown, copy: Json | undefined, schema: Schema): void {
    const edit = this.#edits?.get(key)
    if (edit && !edit.updates) this.#edit(key, { value, copy, dependsOnRead: edit.dependsOnRead, schema })
    else this.#edit(key, { value, copy, dependsOnRead: false, updates: [...(edit?.updates ?? []), update], schema })
  }

  /** Shows what a save has stored under a key that was not written since. */
  #catchUp(key: string): void {
    if (!this.#news?.has(key)) return
    this.#absorb(key)
    if (this.#edits?.has(key)) return
    for (const { byKey } of this.#live ?? []) {
      this.#retire(key, byKey.get(key))
      byKey.delete(key)
    }
    const shown = { ...this.#shown }
    setValue(shown, key, this.#news.get(key))
    this.#news.delete(key)
    this.#shown = shown
  }

  #retire(key: string, live: Live | undefined): void {
    if (live && isObject(live.value)) (this.#retired ??= []).push({ key, object: live.value, copy: live.known })
  }

  /** Turns an alteration of an object that was handed out into an edit. */
  #absorb(key: string): void {
    const edit = this.#edits?.get(key)
    if (edit?.updates) this.#guard(key, { value: edit.value, known: edit.copy }, edit.schema)
    if (edit !== undefined) return
    for (const { schema, byKey } of this.#live ?? []) {
      const live = byKey.get(key)
      if (live !== undefined) this.#guard(key, live, schema)
    }
  }

  #guard(key: string, { value, known }: Live, schema: Schema): void {
    if (isUnaltered(value, known)) return
    const copy = this.#copy(value, key)
    if (!isSame(copy, known)) this.#edit(key, { value, copy, dependsOnRead: true, isAltered: true, schema })
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

function group<K>(groups: Map<K, Checked>, of: K, key: string, value: Json | undefined): void {
  groups.set(of, (groups.get(of) ?? new Map<string, Json | undefined>()).set(key, value))
}

function chain(
  key: string,
  updates: readonly Update[],
  copy: Copy,
  schema: Schema,
): (newest: Values) => Json | undefined {
  return (newest) => {
    const before = valueAt(schema === undefined ? newest : schema.read(newest), key)
    let value = before
    for (const update of updates) value = copy(update(copy(value, key)), key)
    if (schema === undefined) return value
    if (isSame(value, before)) return valueAt(newest, key)
    schema.assertFits(newest, new Map([[key, value]]))
    return value
  }
}

function storableOrNone(value: unknown, key: string): Json | undefined {
  return value === undefined || value === null ? undefined : storable(value, key)
}
