import { setTimeout as sleep } from 'node:timers/promises'
import { type AnyData, type Session, type Sessions, sessions } from '@sess/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock, HOUR } from '../support/clock.ts'
import { CUTS, type Cut, CutStore, Entries } from '../support/cut-store.ts'
import { skipPauses } from '../support/pauses.ts'
import { SECRET } from '../support/secret.ts'

const USER = 7
const MAX = 3

/** What is in the store before an operation, and the cookies of the browsers. */
interface Before {
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

type Operation = (acting: Acting) => Promise<unknown>

const [FIRST, SECOND] = [0, 1]
const device = ({ devices }: Before, at: number): string => devices[at] ?? ''

const logIn = (session: Session<AnyData>): void => {
  session['user'] = USER
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
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

const STAGES: Readonly<
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

const sessionsOn = (store: CutStore, clock: Clock, options: object): Sessions =>
  sessions(store, { secret: SECRET, clock: clock.read, owner: 'user', onError: () => undefined, ...options })

async function prepare(devices: number): Promise<Before> {
  const entries = new Entries()
  const clock = new Clock()
  const sess = sessionsOn(new CutStore(entries), clock, {})
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
  /** Sessions in a process that goes on. */
  readonly sess: Sessions
  /** What was to be done late is done. */
  readonly catchUp: () => void
  /** Every cookie that a browser may have. */
  readonly cookies: readonly string[]
}

async function run(before: Before, options: object, operation: Operation, at = 0, cut?: Cut): Promise<Aftermath> {
  const clock = new Clock()
  clock.now = before.clock.now
  const entries = before.entries.copy()
  const store = new CutStore(entries, at, cut)
  const sess = sessionsOn(store, clock, options)
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
    sess: sessionsOn(new CutStore(entries), clock, options),
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

describe.each(Object.entries(STAGES))('with %s', (_, { devices, options }) => {
  skipPauses()
  let before: Before
  beforeAll(async () => {
    before = await prepare(devices)
  })

  describe.each(Object.entries(OPERATIONS))('whatever is cut of %s', (_name, operation) => {
    const inEachCut = async (check: (after: Aftermath, what: string) => Promise<void>): Promise<void> => {
      const { calls } = await run(before, options, operation)
      // Of the many calls of the same kind, a few are tried.
      const step = Math.max(Math.floor(calls / 40), 1)
      for (let at = 1; at <= calls; at += step)
        for (const cut of CUTS)
          await check(await run(before, options, operation, at, cut), `call ${at} of ${calls} ${cut}`)
      expect(calls).toBeGreaterThan(0)
    }

    test('every live session that a browser can open is listed, and has one live token', async () => {
      await inEachCut(async ({ sess, cookies, catchUp }, what) => {
        for (const isLate of [false, true]) {
          if (isLate) catchUp()
          // To list them ends those that a revocation was about to end.
          const listed = new Set((await sess.owner(USER).sessions()).map(({ id }) => id))
          const live = await alive(sess, cookies)
          expect(
            live.filter(({ id }) => !listed.has(id)),
            what,
          ).toEqual([])
          expect(new Set(live.map(({ id }) => id)).size, what).toBe(live.length)
        }
      })
    })

    test('a revocation afterwards ends all', async () => {
      await inEachCut(async ({ sess, cookies, catchUp }, what) => {
        await sess.owner(USER).revoke()
        expect(await alive(sess, cookies), what).toEqual([])
        catchUp()
        expect(await alive(sess, cookies), `${what}, and done later`).toEqual([])
        expect(await sess.owner(USER).sessions(), what).toEqual([])
      })
    })
  })
})
