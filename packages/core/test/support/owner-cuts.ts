import { setTimeout as sleep } from 'node:timers/promises'
import type { AnyData, Session, Sessions } from '@sess/core'
import { Browser } from './browser.ts'
import { Clock, HOUR, MINUTE } from './clock.ts'
import { CUTS, type Cut, CutStore, Entries } from './cut-store.ts'
import { type MakeSessions, USER } from './owner-race.ts'
import { SECRET } from './secret.ts'
import { isNightly } from '../../../../scripts/nightly.js'

const MAX = 3

/** What is in the store before an operation, and the cookies of the browsers. */
export interface Before {
  readonly entries: Entries
  readonly clock: Clock
  /** Of each device that is logged in. */
  readonly devices: readonly string[]
  /** Of a visitor who is not. */
  readonly visitor: string
}

interface Acting extends Before {
  readonly sess: Sessions
  /** Makes a request with this cookie. Cookies that are sent to the browser are noted. */
  readonly visit: (cookie: string, use: (session: Session<AnyData>) => unknown) => Promise<void>
}

export type Operation = (acting: Acting) => Promise<unknown>

const [FIRST, SECOND] = [0, 1]
const device = ({ devices }: Before, at: number): string => devices[at] ?? ''

const logIn = (session: Session<AnyData>): void => {
  session['user'] = USER
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'a login of a new visitor': ({ visit }) => visit('', logIn),
  'a login of a visitor with a session': ({ visit, visitor }) => visit(visitor, logIn),
  'a login that is saved': ({ visit, visitor }) =>
    visit(visitor, async (session) => {
      logIn(session)
      await session.save()
    }),
  'a login of the same user again': (acting) =>
    acting.visit(device(acting, FIRST), (session) => {
      logIn(session)
      session.regenerate()
    }),
  'a login of another user': (acting) =>
    acting.visit(device(acting, FIRST), (session) => Object.assign(session, { user: 8 })),
  'a removal of the user': (acting) => acting.visit(device(acting, FIRST), (session) => delete session['user']),
  'a move': (acting) => acting.visit(device(acting, FIRST), (session) => session.regenerate()),
  'a change': (acting) => acting.visit(device(acting, FIRST), (session) => Object.assign(session, { theme: 'dark' })),
  'an extension': async (acting) => {
    acting.clock.advance(20 * HOUR)
    await acting.visit(device(acting, FIRST), () => undefined)
  },
  'an extension with a change': async (acting) => {
    acting.clock.advance(20 * HOUR)
    await acting.visit(device(acting, FIRST), (session) => Object.assign(session, { theme: 'dark' }))
  },
  'an extension that the listing has to follow': async (acting) => {
    for (let times = 0; times < 2; times++) {
      acting.clock.advance(20 * HOUR)
      await acting.visit(device(acting, FIRST), () => undefined)
    }
  },
  'a logout': (acting) => acting.visit(device(acting, FIRST), (session) => session.destroy()),
  'a logout that begins another session': (acting) =>
    acting.visit(device(acting, FIRST), (session) => {
      session.destroy()
      logIn(session)
    }),
  'revoke()': ({ sess }) => sess.owner(USER).revoke(),
  'revoke({ except })': (acting) =>
    acting.visit(device(acting, FIRST), (session) => acting.sess.owner(USER).revoke({ except: session })),
  'revoke({ id })': async (acting) => {
    const [listed] = await acting.sess.owner(USER).sessions()
    await acting.sess.owner(USER).revoke({ id: listed?.id ?? '' })
  },
  'sessions()': ({ sess }) => sess.owner(USER).sessions(),
}

export const STAGES: Readonly<
  Record<string, { devices: number; options: { maxPerOwner?: number; secret?: readonly string[] } }>
> = {
  'two sessions': { devices: 2, options: {} },
  'as many sessions as there may be': { devices: MAX, options: { maxPerOwner: MAX } },
  'another secret before': {
    devices: 2,
    options: { secret: ['a newer secret for tests, of 32 bytes or more', SECRET] },
  },
  'more sessions than one roster lists': { devices: 66, options: {} },
}

const sessionsOn = (make: MakeSessions, store: CutStore, clock: Clock, options: object): Sessions =>
  make(store, { secret: SECRET, clock: clock.read, owner: 'user', onError: () => undefined, ...options })

/** The store before an operation: with so many sessions of the user. */
export async function prepare(make: MakeSessions, devices: number): Promise<Before> {
  const entries = new Entries()
  const clock = new Clock()
  const sess = sessionsOn(make, new CutStore(entries), clock, {})
  const begin = async (data: object): Promise<string> => {
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, data))
    return browser.cookie
  }
  const cookies: string[] = []
  for (let at = 0; at < devices; at++) cookies.push(await begin({ user: USER }))
  return { entries, clock, devices: cookies, visitor: await begin({ cart: ['emma'] }) }
}

/** The world after an operation, of which one call was cut. */
interface Aftermath {
  readonly calls: number
  readonly clock: Clock
  readonly entries: Entries
  /** Sessions in a process that goes on. */
  readonly sess: Sessions
  /** What was to be done late is done. */
  readonly catchUp: () => void
  /** Every cookie that a browser may have. */
  readonly cookies: readonly string[]
}

/** An operation that is tried, on a store that holds something. */
export interface Scenario {
  readonly make: MakeSessions
  readonly before: Before
  readonly options: object
  readonly operation: Operation
}

async function run({ make, before, options, operation }: Scenario, at = 0, cut?: Cut): Promise<Aftermath> {
  const clock = new Clock()
  clock.now = before.clock.now
  const entries = before.entries.copy()
  const store = new CutStore(entries, at, cut)
  const sess = sessionsOn(make, store, clock, options)
  const cookies = new Set([...before.devices, before.visitor])
  const visit = async (cookie: string, use: (session: Session<AnyData>) => unknown): Promise<void> => {
    const exchange = sess.exchange(cookie)
    let status = 200
    try {
      await use(await exchange.open())
    } catch {
      status = 500
    }
    const headers = await exchange.commit(status).catch(() => exchange.failureHeaders())
    for (const [name, line] of headers) if (name === 'set-cookie') cookies.add(line.split(';')[0] ?? '')
  }
  const acting = operation({ ...before, entries, clock, sess, visit }).catch(() => undefined)
  // A process that has stopped never goes on.
  await Promise.race([acting, settled()])
  return {
    calls: store.count,
    clock,
    entries,
    sess: sessionsOn(make, new CutStore(entries), clock, options),
    catchUp: () => store.catchUp(),
    cookies: [...cookies],
  }
}

/** Resolves when nothing that needs no time can happen any more. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await sleep(0)
}

interface Alive {
  readonly id: string
  readonly cookie: string
}

/** The browsers’ live sessions of the user, by the tokens that can write. */
async function alive(sess: Sessions, cookies: readonly string[]): Promise<readonly Alive[]> {
  const found: Alive[] = []
  // After a rotation of secrets, a token is signed anew: it then begins like the old one.
  const distinct = new Map(cookies.map((cookie) => [cookie.slice(0, '__Host-sess='.length + 40), cookie]))
  for (const cookie of distinct.values()) {
    const exchange = sess.exchange(cookie)
    const session = await exchange.open()
    const id = sess.id(session)
    if (session['user'] !== USER || id === undefined) continue
    session['touched'] = cookie.length
    // The token of a session that has moved shows what it held, and stores nothing.
    const isStored = await exchange.commit(200).then(
      () => true,
      () => false,
    )
    if (isStored) found.push({ id, cookie })
  }
  return found
}

type Check = (after: Aftermath) => Promise<readonly string[]>

/** Every live session that a browser can open is listed, and has one live token; also when time has passed. */
export const listsAll: Check = async ({ sess, cookies, catchUp, clock }) => {
  const broken: string[] = []
  for (const [when, proceed] of [
    ['at once', () => undefined],
    ['and done late', catchUp],
    ['hours later', () => clock.advance(20 * HOUR)],
  ] as const) {
    proceed()
    // To list them ends those that a revocation was about to end.
    const listed = new Set((await sess.owner(USER).sessions()).map(({ id }) => id))
    const live = await alive(sess, cookies)
    if (live.some(({ id }) => !listed.has(id))) broken.push(`a live session is not listed, ${when}`)
    if (new Set(live.map(({ id }) => id)).size < live.length) broken.push(`a session has two live tokens, ${when}`)
  }
  return broken
}

/** A revocation ends all, also what is done later. */
export const endsAll: Check = async ({ sess, cookies, catchUp }) => {
  const broken: string[] = []
  await sess.owner(USER).revoke()
  if ((await alive(sess, cookies)).length > 0) broken.push('a session lives after a revocation')
  catchUp()
  if ((await alive(sess, cookies)).length > 0) broken.push('a session lives after a revocation, and what was done late')
  if ((await sess.owner(USER).sessions()).length > 0) broken.push('a session is listed after a revocation')
  for (const cookie of cookies)
    if ((await sess.exchange(cookie).open())['user'] === USER)
      broken.push('a token shows what the user had, after a revocation')
  return broken
}

/** How many calls of one operation are cut. */
const MOST = isNightly ? 40 : 10

/** Cuts each call of an operation in each way. Resolves with an account of each broken promise. */
export async function cutEach(scenario: Scenario, check: Check): Promise<readonly string[]> {
  const whole = await run(scenario)
  const { calls } = whole
  if (calls === 0) return ['the operation has asked the store nothing']
  const broken = (await check(whole)).map((what) => `nothing cut: ${what}`)
  // 64 shards cause many calls of the same kind. Only some of them are cut.
  const step = Math.max(Math.floor(calls / MOST), 1)
  for (let at = 1; at <= calls; at += step)
    for (const cut of CUTS)
      for (const what of await check(await run(scenario, at, cut)))
        broken.push(`call ${at} of ${calls} ${cut}: ${what}`)
  return broken
}

/**
 * A process that revokes all stops once the sessions are condemned; then another one does the operation. No session of
 * before may be alive minutes later, when its tombstone is gone.
 */
export async function afterUnfinished({ make, before, options, operation }: Scenario): Promise<readonly string[]> {
  const revoking: Operation = ({ sess }) => sess.owner(USER).revoke()
  const { clock, entries } = await run({ make, before, options, operation: revoking }, 2, 'stopped after')
  const next: Before = { ...before, entries, clock }
  const { sess, cookies } = await run({ make, before: next, options, operation })
  clock.advance(2 * MINUTE)
  const first = cookies.filter((cookie) => cookie !== before.devices[SECOND] && cookie !== before.visitor)
  return (await alive(sess, first)).map(() => 'a session that was condemned lives')
}
