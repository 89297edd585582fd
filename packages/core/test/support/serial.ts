import {
  appended,
  CLEARED,
  INITIAL,
  parse,
  type Program,
  type TextKey,
  type Transaction,
  type Visit,
} from './program.ts'

/** The model of a session's values. */
export type Fields = Readonly<Record<string, unknown>>

/** A row whose session has left it: for another row, with what it held then, or for good. */
interface Moved {
  readonly to: string | undefined
  readonly was: Fields
}

/** The model's state after some transactions in sequence. `OLD` names the row of the original session. */
interface World {
  readonly rows: ReadonlyMap<string, Row>
  readonly visitors: ReadonlyMap<string, Visitor>
  /** The values that sessions had at any time. */
  readonly past: readonly Fields[]
}

type Row = { readonly live: Fields } | { readonly moved: Moved }

interface Visitor {
  /** The session that the visitor is in. */
  readonly row: string | undefined
  /** The visitor came with the token of a session that had already moved. */
  readonly isLate: boolean
  /** The visitor has asked for a login, but there was no session to move yet. */
  readonly isWaiting: boolean
  readonly cookie: string | undefined
}

const OLD = 'old'

/** The part of a world that can be observed from outside. */
export interface View {
  /** The values behind the token of the original session. */
  readonly old: Fields
  /** By visitor: the values behind the cookie that it was sent, `'cleared'`, or `undefined` for no cookie. */
  readonly cookies: Readonly<Record<string, Fields | typeof CLEARED | undefined>>
  /** How many sessions the store holds. */
  readonly sessions: number
}

/** Every world that results from running the stored transactions in sequence, in any order. */
export function serialWorlds(visits: readonly Visit[]): readonly World[] {
  const start: World = { rows: new Map([[OLD, { live: INITIAL }]]), visitors: new Map(), past: [INITIAL] }
  return [
    ...continuations(
      start,
      visits.map(({ stored }) => stored),
    ),
  ]
}

export function viewOf(
  { rows, visitors }: World,
  visits: readonly Visit[],
  { areTombstonesGone }: { readonly areTombstonesGone: boolean },
): View {
  const shown = (name: string): Fields => {
    const row = rows.get(name)
    return areTombstonesGone && row !== undefined && 'moved' in row ? {} : readable(rows, name)
  }
  const cookies = visits.map(({ visitor, refused, cookie: sent }) => {
    const cookie = visitors.get(visitor)?.cookie
    // The refusal that replaces a response carries no cookie.
    if (cookie === undefined || (refused && sent === undefined)) return [visitor, undefined] as const
    return [visitor, cookie === CLEARED ? CLEARED : shown(cookie)] as const
  })
  const sessions = [...rows.values()].filter((row) => 'live' in row).length
  return { old: shown(OLD), cookies: Object.fromEntries(cookies), sessions }
}

/** Every value of a key that a request could have read. */
export function readableValues(worlds: readonly World[], key: TextKey): Set<unknown> {
  return new Set([undefined, ...worlds.flatMap(({ past }) => past.map((fields) => fields[key]))])
}

/** What a request sees that has the token of a row: what it holds, or held when it moved, while the session lives. */
function readable(rows: World['rows'], name: string): Fields {
  const row = rows.get(name)
  if (row === undefined) return {}
  if ('live' in row) return row.live
  let { to } = row.moved
  for (let next = to === undefined ? undefined : rows.get(to); next !== undefined;) {
    if ('live' in next) return row.moved.was
    to = next.moved.to
    next = to === undefined ? undefined : rows.get(to)
  }
  return {}
}

function* continuations(world: World, queues: readonly (readonly Transaction[])[]): Generator<World> {
  if (queues.every((queue) => queue.length === 0)) yield world
  for (const [index, [next, ...later]] of queues.entries()) {
    if (next === undefined) continue
    for (const after of outcomes(world, next)) yield* continuations(after, queues.with(index, later))
  }
}

/**
 * A key whose value ends as it began counts as unchanged, so it may take another place in the order than the rest of
 * its transaction, one in which it changes nothing: no isolation across keys is promised. In a login such a value
 * counts as a change, but the removal of an absent key does not.
 */
function* outcomes(world: World, transaction: Transaction): Generator<World> {
  const { steps } = transaction
  const idle = [...keysOf(steps)].filter((key) =>
    world.past.some((fields) => {
      const value = valueAfter(transaction, key, fields[key])
      return value === fields[key] && (value === undefined || !steps.includes('regenerate'))
    }),
  )
  for (let subset = 0; subset < 2 ** (steps.includes('destroy') ? 0 : idle.length); subset++) {
    const left = new Set(idle.filter((_, index) => (subset >> index) % 2 === 1))
    const after = run(world, transaction, left)
    if (after) yield after
  }
}

/** The world after a transaction; `undefined` if a transaction at this point would be refused. */
function run(world: World, transaction: Transaction, left: ReadonlySet<string>): World | undefined {
  const rows = new Map(world.rows)
  const { isLate } = world.visitors.get(transaction.visitor) ?? arrival(rows)
  let { row, isWaiting, cookie } = world.visitors.get(transaction.visitor) ?? arrival(rows)
  const rest = afterDestroy(transaction)
  const destroys = rest !== transaction
  const moves = rest.steps.includes('regenerate') || (isWaiting && !destroys)
  const held = row === undefined ? undefined : rows.get(row)
  const isMoved = held !== undefined && 'moved' in held
  const live = held !== undefined && 'live' in held ? held.live : {}
  const before: Fields = destroys ? {} : isLate ? readable(rows, OLD) : live
  const after = new Map(Object.entries(before))
  for (const key of keysOf(rest.steps)) {
    const value = left.has(key) ? before[key] : valueAfter(rest, key, before[key])
    if (value === undefined) after.delete(key)
    else after.set(key, value)
  }
  const fields = Object.fromEntries(after)
  const changes = !isSame(before, fields)

  // A token that its session has left stores nothing.
  if ((isLate || isMoved) && (destroys || changes)) return undefined
  isWaiting = moves && row === undefined && !changes && Object.keys(before).length === 0
  if (destroys) {
    if (row !== undefined && changes) rows.set(row, { moved: { to: undefined, was: {} } })
    else if (row !== undefined) rows.delete(row)
    row = undefined
    cookie = CLEARED
  } else if (row !== undefined && held === undefined) {
    // The session ended during this request.
    if (changes && !moves) return undefined
    if (moves) row = undefined
  }
  const isNew = row === undefined ? changes : moves && !isMoved
  if (isNew) {
    if (row !== undefined) rows.set(row, { moved: { to: transaction.by, was: before } })
    row = transaction.by
    cookie = row
  }
  if (row !== undefined && (isNew || changes)) rows.set(row, { live: fields })
  const visitors = new Map(world.visitors).set(transaction.visitor, { row, isLate, isWaiting, cookie })
  return { rows, visitors, past: [...world.past, fields] }
}

function arrival(rows: World['rows']): Visitor {
  const found = rows.get(OLD)
  const isHere = found !== undefined && 'live' in found
  return { row: isHere ? OLD : undefined, isLate: found !== undefined && !isHere, isWaiting: false, cookie: undefined }
}

/** The part of a transaction after its last `destroy`; the transaction itself if it has no `destroy`. */
function afterDestroy(transaction: Transaction): Transaction {
  const { steps, taken } = transaction
  const start = steps.lastIndexOf('destroy') + 1
  if (start === 0) return transaction
  const takes = steps.slice(0, start).filter((step) => parse(step).verb === 'take').length
  return { ...transaction, steps: steps.slice(start), taken: taken.slice(takes) }
}

/** The values of the session that a transaction begins after its last `destroy`; empty if it begins none. */
export function begun(transaction: Transaction): Fields {
  const rest = afterDestroy(transaction)
  const values = [...keysOf(rest.steps)].map((key) => [key, valueAfter(rest, key, undefined)] as const)
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}

function keysOf(steps: Program): Set<string> {
  return new Set(steps.map((step) => parse(step).key).filter((key) => key !== undefined))
}

/** The value of one key after the steps. Each step depends on one key only. */
function valueAfter({ steps, by, taken }: Transaction, ofKey: string, before: unknown): unknown {
  let value = before
  let takes = 0
  for (const step of steps) {
    const { verb, key } = parse(step)
    const shown = verb === 'take' ? taken[takes++] : undefined
    if (key !== ofKey) continue
    if (verb === 'assign') value = by
    else if (verb === 'keep') value = INITIAL[key]
    else if (verb === 'remove') value = undefined
    else if (verb === 'append' || verb === 'update') value = appended(typeof value === 'string' ? value : undefined, by)
    else if (verb === 'take') value = value === shown ? undefined : value
    else if (verb === 'replace') value = [by]
    else if (verb === 'push') value = [...(Array.isArray(value) ? value : []), by]
  }
  return value
}

/** Ignores the order of the keys. */
export function isSame(one: Fields, other: Fields): boolean {
  return canonical(one) === canonical(other)
}

function canonical(fields: Fields): string {
  return JSON.stringify(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
