import type { Session, Sessions } from '@sess/core'
import { isSessError } from '@sess/core/adapter'
import { parseSetCookie } from 'cookie'

export interface Shop {
  a: string
  b: string
  c: string
  user: string
  list: string[]
  /** No program touches this key: its presence shows data of the original session. */
  mark: string
}

export type TextKey = 'a' | 'b' | 'c' | 'user'
type TextVerb = 'read' | 'has' | 'assign' | 'keep' | 'remove' | 'append' | 'update' | 'take'

/**
 * One operation of a handler. `append` reads a value and assigns a longer one, `keep` assigns the initial value,
 * `push` alters the array in place, `replace` assigns a new array.
 */
export type Step =
  `${TextVerb} ${TextKey}` | 'push' | 'replace' | 'enumerate' | 'regenerate' | 'destroy' | 'save' | 'save without await'

export type Program = readonly Step[]

/** The values at the start; the other text keys are absent. */
export const INITIAL: Partial<Shop> = { a: '0', b: '1', list: ['x'], mark: 'of before' }

/** The steps of one request between two commits. */
export interface Transaction {
  /** The visitor and, from its second transaction on, a number; written values contain it. */
  readonly by: string
  readonly visitor: string
  readonly steps: Program
  /** What each `take` returned. */
  readonly taken: readonly (string | undefined)[]
}

export interface Visit {
  readonly visitor: string
  readonly program: Program
  /** The stored transactions, in order. */
  readonly stored: readonly Transaction[]
  /** The refused transaction. */
  readonly refused: Transaction | undefined
  /** The cookie that the response set, `'cleared'`, or `undefined` if it set none. */
  readonly cookie: string | undefined
  /** The values that were read from keys before the request wrote them. */
  readonly seen: readonly (readonly [TextKey, string | undefined])[]
}

export const CLEARED = 'cleared'

export function parse(step: Step): { verb: string; key: TextKey | 'list' | undefined } {
  const [verb = '', key] = step.split(' ')
  if (verb === 'push' || verb === 'replace') return { verb, key: 'list' }
  return { verb, key: key === 'a' || key === 'b' || key === 'c' || key === 'user' ? key : undefined }
}

/** Splits a program at its `save` steps. */
function transactionsOf(program: Program): Program[] {
  const parts: Step[][] = [[]]
  for (const step of program) {
    if (step === 'save') parts.push([])
    else parts.at(-1)?.push(step)
  }
  return parts
}

/** Runs a request whose handler is `program`, from a browser that sends `cookie`. */
export async function visit(
  sess: Sessions<Shop>,
  cookie: string,
  { visitor, program, goOn }: { visitor: string; program: Program; goOn: () => Promise<void> },
): Promise<Visit> {
  const exchange = sess.exchange(cookie)
  const stored: Transaction[] = []
  const seen: [TextKey, string | undefined][] = []
  const written = new Set<TextKey>()
  let refused: Transaction | undefined
  let status = 200
  try {
    const session = await exchange.open()
    const parts = transactionsOf(program)
    for (const [index, steps] of parts.entries()) {
      const taken: (string | undefined)[] = []
      refused = { by: index === 0 ? visitor : `${visitor}${index + 1}`, visitor, steps, taken }
      for (const step of steps) perform(session, step, { by: refused.by, taken, seen, written })
      if (index === parts.length - 1) break
      await session.save()
      stored.push(refused)
    }
    await goOn()
  } catch (error) {
    assertConflict(error)
    // The handler threw.
    exchange.discard()
    status = 500
  }
  try {
    const headers = await exchange.commit(status)
    if (status === 200 && refused) {
      stored.push(refused)
      refused = undefined
    }
    const line = headers.find(([name]) => name === 'set-cookie')?.[1]
    const set = line === undefined ? undefined : parseSetCookie(line)
    const sent = set === undefined ? undefined : set.maxAge === 0 ? CLEARED : `${set.name}=${set.value ?? ''}`
    return { visitor, program, stored, refused, cookie: sent, seen }
  } catch (error) {
    assertConflict(error)
    return { visitor, program, stored, refused, cookie: undefined, seen }
  }
}

interface Notes {
  readonly by: string
  readonly taken: (string | undefined)[]
  readonly seen: [TextKey, string | undefined][]
  readonly written: Set<TextKey>
}

function perform(session: Session<Shop>, step: Step, { by, taken, seen, written }: Notes): void {
  const { verb, key } = parse(step)
  if (key !== undefined && key !== 'list') {
    if (verb === 'read') {
      const value = session[key]
      if (!written.has(key)) seen.push([key, value])
    } else if (verb === 'has') void (key in session)
    else if (verb === 'assign') session[key] = by
    else if (verb === 'keep') session[key] = INITIAL[key]
    else if (verb === 'remove') delete session[key]
    else if (verb === 'append') session[key] = appended(session[key], by)
    else if (verb === 'update') session.update(key, (value) => appended(value, by))
    else if (verb === 'take') taken.push(session.take(key))
    if (verb !== 'read' && verb !== 'has') written.add(key)
  } else if (verb === 'push') {
    if (session.list) session.list.push(by)
    else session.list = [by]
  } else if (step === 'save without await') void session.save()
  else if (verb === 'replace') session.list = [by]
  else if (verb === 'enumerate') Object.keys(session)
  else if (verb === 'regenerate') session.regenerate()
  else if (verb === 'destroy') {
    session.destroy()
    for (const gone of ['a', 'b', 'c', 'user'] as const) written.add(gone)
  }
}

export function appended(value: string | undefined, by: string): string {
  return `${value ?? ''}${by}`
}

function assertConflict(error: unknown): void {
  if (!isSessError(error) || error.code !== 'CONFLICT') throw error
}
