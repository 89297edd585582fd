import { CLEARED, parse, type Program, type TextKey, type Transaction, type Visit } from './program.ts'
import { begun, isSame, readableValues, serialWorlds, type View, viewOf } from './serial.ts'

/** What is promised of requests that are under way at the same time. */
export const PROMISES = [
  { name: 'serial', promise: 'what is stored equals a serial order of the requests that succeeded' },
  { name: 'cause', promise: 'no request is refused without a cause' },
  { name: 'unstored', promise: 'no request sees what was never stored' },
  { name: 'logout', promise: 'nothing brings back a session that was logged out' },
  { name: 'login', promise: 'no request that holds the old token undoes a login' },
  { name: 'rows', promise: 'no session stays in the store that nobody was given' },
] as const

export type PromiseName = (typeof PROMISES)[number]['name']

/** What is seen after the requests have ended. */
export interface Aftermath extends View {
  /** Whether anything of the session of before is left, in the store or behind a token. */
  readonly isOldLeft: boolean
}

/** The promises that were not kept. */
export function broken(visits: readonly Visit[], after: Aftermath): readonly PromiseName[] {
  const worlds = serialWorlds(visits)
  const alike = worlds.map((world) => viewOf(world, visits)).filter((view) => isAlike(view, after))
  const unkept: PromiseName[] = []
  if (alike.length === 0) unkept.push('serial')
  else if (alike.every(({ sessions }) => sessions !== after.sessions)) unkept.push('rows')
  if (visits.some((visit) => isNeedless(visit, visits))) unkept.push('cause')
  const isRead = ([key, value]: readonly [TextKey, string | undefined]) => readableValues(worlds, key).has(value)
  if (visits.some(({ seen }) => !seen.every(isRead))) unkept.push('unstored')
  if (visits.some(endedOld) && after.isOldLeft) unkept.push('logout')
  if (visits.some((visit) => isUndone(visit, visits, after))) unkept.push('login')
  return unkept
}

function isAlike(view: View, after: View): boolean {
  return (
    isSame(view.old, after.old) &&
    Object.entries(after.cookies).every(([visitor, shown]) => isSameCookie(view.cookies[visitor], shown))
  )
}

type Cookie = View['cookies'][string]

function isSameCookie(one: Cookie, other: Cookie): boolean {
  if (one === undefined || other === undefined || one === CLEARED || other === CLEARED) return one === other
  return isSame(one, other)
}

/** Refused, though no other request that succeeded gave a cause. */
function isNeedless({ visitor, refused, stored }: Visit, visits: readonly Visit[]): boolean {
  if (refused === undefined) return false
  const rests = restsOn([...stored, refused].flatMap(({ steps }) => steps))
  return visits
    .filter((other) => other.visitor !== visitor)
    .flatMap((other) => other.stored)
    .every((other) => !isLogin(other) && !isLogout(other) && !other.steps.some((step) => rests.has(changedBy(step))))
}

/** The keys that are written after they were observed, and not by running again. */
function restsOn(steps: Program): Set<string | undefined> {
  const observed = new Set<string | undefined>()
  const resting = new Set<string | undefined>()
  let all = false
  for (const step of steps) {
    const { verb, key } = parse(step)
    if (verb === 'enumerate') all = true
    if (verb !== 'assign' && verb !== 'keep' && verb !== 'remove' && verb !== 'replace') observed.add(key)
    const runsAgain = verb === 'update' || verb === 'take'
    if (key !== undefined && changedBy(step) === key && !runsAgain && (all || observed.has(key))) resting.add(key)
  }
  return resting
}

function changedBy(step: Program[number]): string | undefined {
  const { verb, key } = parse(step)
  return verb === 'read' || verb === 'has' ? undefined : key
}

/** A login before a logout is none, and one after it needs something to log in to. */
function isLogin(transaction: Transaction): boolean {
  const { steps } = transaction
  if (steps.lastIndexOf('regenerate') <= steps.lastIndexOf('destroy')) return false
  return !isLogout(transaction) || Object.keys(begun(transaction)).length > 0
}

function isLogout({ steps }: Transaction): boolean {
  return steps.includes('destroy')
}

/** Logged out of the session that all began with, and not of one of its own. */
function endedOld({ stored }: Visit): boolean {
  const logout = stored.findIndex(isLogout)
  return logout >= 0 && !stored.slice(0, logout).some(isLogin)
}

/**
 * A browser takes cookies in the order in which responses arrive, which may be any. Whatever it is, the last
 * one must be of a login, unless another request logged in or out as well.
 */
function isUndone({ visitor, stored, cookie }: Visit, visits: readonly Visit[], after: View): boolean {
  const login = stored.findIndex(isLogin)
  // After a logout that was stored before, no token is left that the login could move.
  if (login < 0 || stored.slice(0, login).some(isLogout)) return false
  if (cookie === undefined || cookie === CLEARED) return false
  const others = visits.filter((other) => other.visitor !== visitor)
  if (others.some((other) => other.stored.some((one) => isLogin(one) || isLogout(one)))) return false
  const shown = after.cookies[visitor]
  return others.some((other) => other.cookie !== undefined) || shown === undefined
}
