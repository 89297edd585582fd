import { CLEARED, parse, type Program, type TextKey, type Transaction, type Visit } from './program.ts'
import { begun, type Fields, isSame, readableValues, serialWorlds, type View, viewOf } from './serial.ts'

/** The promises about concurrent requests. */
export const PROMISES = [
  { name: 'serial', promise: 'what is stored equals a serial order of the requests that succeeded' },
  { name: 'cause', promise: 'no request is refused without a cause' },
  { name: 'unstored', promise: 'no request sees what was never stored' },
  { name: 'logout', promise: 'nothing brings back a session that was logged out' },
  { name: 'login', promise: 'no request that holds the old token undoes a login' },
  {
    name: 'answers',
    promise: 'no order of the answers logs a visitor out who did not log out, or loses what a success stored',
  },
  { name: 'rows', promise: 'no session stays in the store that nobody was given' },
] as const

export type PromiseName = (typeof PROMISES)[number]['name']

/** The state that can be observed after all requests have ended. */
export interface Aftermath extends View {
  /** Whether data of the original session is left, in the store or behind a token. */
  readonly isOldLeft: boolean
  /** The values of every session that is left. */
  readonly live: readonly Fields[]
  /** The values behind the cookie that the browser ends with, for each order in which the answers reach it. */
  readonly browsers: readonly Fields[]
}

/** The names of the broken promises. */
export function broken(
  visits: readonly Visit[],
  after: Aftermath,
  on: { readonly areTombstonesGone: boolean },
): readonly PromiseName[] {
  const worlds = serialWorlds(visits)
  const alike = worlds.map((world) => viewOf(world, visits, on)).filter((view) => isAlike(view, after))
  const unkept: PromiseName[] = []
  if (alike.length === 0) unkept.push('serial')
  else if (alike.every(({ sessions }) => sessions !== after.sessions)) unkept.push('rows')
  if (visits.some((visit) => isNeedless(visit, visits))) unkept.push('cause')
  const isRead = ([key, value]: readonly [TextKey, string | undefined]) => readableValues(worlds, key).has(value)
  if (visits.some(({ seen }) => !seen.every(isRead))) unkept.push('unstored')
  if (visits.some(endedOld) && after.isOldLeft) unkept.push('logout')
  const isLoggedOut = visits.some(({ stored }) => stored.some(isLogout))
  if (!isLoggedOut && !after.browsers.every((shown) => after.live.some((values) => isSame(shown, values)))) {
    unkept.push('answers')
  }
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

/** Whether a request was refused although no other successful request gave a cause. */
function isNeedless({ visitor, refused, stored }: Visit, visits: readonly Visit[]): boolean {
  if (refused === undefined) return false
  const rests = restsOn([...stored, refused].flatMap(({ steps }) => steps))
  return visits
    .filter((other) => other.visitor !== visitor)
    .flatMap((other) => other.stored)
    .every((other) => !isLogin(other) && !isLogout(other) && !other.steps.some((step) => rests.has(changedBy(step))))
}

/** The keys that are observed and then written, except by an operation that a conflict runs again. */
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

/** A login before a logout does not count; one after a logout counts only if a session begins. */
function isLogin(transaction: Transaction): boolean {
  const { steps } = transaction
  if (steps.lastIndexOf('regenerate') <= steps.lastIndexOf('destroy')) return false
  return !isLogout(transaction) || Object.keys(begun(transaction)).length > 0
}

function isLogout({ steps }: Transaction): boolean {
  return steps.includes('destroy')
}

/** Whether the request logged out of the original session, not of one that it began. */
function endedOld({ stored }: Visit): boolean {
  const logout = stored.findIndex(isLogout)
  return logout >= 0 && !stored.slice(0, logout).some(isLogin)
}

/**
 * Responses, and so cookies, may reach a browser in any order. In each of them the last cookie must be that of the
 * login, unless another request also logged in or out.
 */
function isUndone({ visitor, stored, cookie }: Visit, visits: readonly Visit[], after: View): boolean {
  const login = stored.findIndex(isLogin)
  // An earlier stored logout leaves no token that the login could move.
  if (login < 0 || stored.slice(0, login).some(isLogout)) return false
  if (cookie === undefined || cookie === CLEARED) return false
  const others = visits.filter((other) => other.visitor !== visitor)
  if (others.some((other) => other.stored.some((one) => isLogin(one) || isLogout(one)))) return false
  const shown = after.cookies[visitor]
  return others.some((other) => other.cookie !== undefined) || shown === undefined
}
