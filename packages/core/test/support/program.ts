import type { Session, Sessions } from '@sess/core'
import { isSessError } from '@sess/core/adapter'
import { parseSetCookie } from 'cookie'

export interface Shop {
  a: string
  b: string
  c: string
  user: string
  list: string[]
  /** Nobody touches it: where it shows, a session of before lives on. */
  mark: string
}

export type TextKey = 'a' | 'b' | 'c' | 'user'
type TextVerb = 'read' | 'has' | 'assign' | 'keep' | 'remove' | 'append' | 'update' | 'take'

/**
 * What a handler does in one go. `append` reads and then rewrites, `keep` assigns what was there at first,
 * `push` alters an array in place, `replace` assigns one.
 */
export type Step = `${TextVerb} ${TextKey}` | 'push' | 'replace' | 'enumerate' | 'regenerate' | 'destroy' | 'save'

export type Program = readonly Step[]

/** Text keys that are absent are so at first. */
export const INITIAL: Partial<Shop> = { a: '0', b: '1', list: ['x'], mark: 'of before' }

/** What lies between two commits of one request. */
export interface Transaction {
  /** Who runs it, and with which of its transactions: what it writes says so. */
  readonly by: string
  readonly visitor: string
  readonly steps: Program
  /** What each `take` returned. */
  readonly taken: readonly (string | undefined)[]
}

export interface Visit {
  readonly visitor: string
  readonly program: Program
  /** The transactions that were stored, in their order. */
  readonly stored: readonly Transaction[]
  /** The one that was refused. */
  readonly refused: Transaction | undefined
  /** What became of the browser's cookie; `undefined`: nothing. */
  readonly cookie: string | undefined
  /** What was read of keys that the request had not written itself. */
  readonly seen: readonly (readonly [TextKey, string | undefined])[]
}

export const CLEARED = 'cleared'

export function parse(step: Step): { verb: string; key: TextKey | 'list' | undefined } {
  const [verb = '', key] = step.split(' ')
  if (verb === 'push' || verb === 'replace') return { verb, key: 'list' }
  return { verb, key: key === 'a' || key === 'b' || key === 'c' || key === 'user' ? key : undefined }
}

/** Splits a program where it saves. */
function transactionsOf(program: Program): Program[] {
  const parts: Step[][] = [[]]
  for (const step of program) {
    if (step === 'save') parts.push([])
    else parts.at(-1)?.push(step)
  }
  return parts
}

/** A request whose handler is the program, from a browser that sends `cookie`. */
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
  } else if (verb === 'replace') session.list = [by]
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
