import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type EndMessage, type LoginMessage, type Sessions, sessions } from '@sess/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'
import { Listener } from '../support/told.ts'

/** A store whose calls take turns as `delays` says. */
class Jittery extends CountedStore {
  readonly #delays: readonly number[]
  #count = 0

  constructor(delays: readonly number[]) {
    super()
    this.#delays = delays
  }

  override async create(...args: Parameters<CountedStore['create']>): ReturnType<CountedStore['create']> {
    await this.#wait()
    return super.create(...args)
  }

  override async read(...args: Parameters<CountedStore['read']>): ReturnType<CountedStore['read']> {
    await this.#wait()
    return super.read(...args)
  }

  override async update(...args: Parameters<CountedStore['update']>): ReturnType<CountedStore['update']> {
    await this.#wait()
    return super.update(...args)
  }

  async #wait(): Promise<void> {
    const turns = this.#delays[this.#count++ % this.#delays.length] ?? 0
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

const USERS = ['ada', 'grace'] as const
const BROWSERS = 5

const ACTION = fc.record({
  what: fc.constantFrom('log out', 'log in', 'log in again', 'change', 'revoke all', 'revoke one', 'revoke others'),
  browser: fc.nat(BROWSERS - 1),
  user: fc.constantFrom(...USERS),
})

type Action = typeof ACTION extends fc.Arbitrary<infer T> ? T : never

async function act(
  sess: Sessions,
  browsers: readonly Browser[],
  cookies: Set<string>,
  { what, browser: index, user }: Action,
): Promise<void> {
  // A copy: two tabs of a browser send what it has now.
  const browser = browsers[index]?.at(sess)
  const owner = sess.owner(user)
  if (what === 'revoke all') await owner.revoke()
  else if (what === 'revoke one') {
    const [first] = await owner.sessions()
    if (first) await owner.revoke({ id: first.id })
  } else
    await browser?.visit(async (session) => {
      if (what === 'log out') session.destroy()
      if (what === 'log in') session['user'] = user
      if (what === 'log in again') {
        session['at'] = index
        session.regenerate()
      }
      if (what === 'change') session['seen'] = index
      if (what === 'revoke others') await owner.revoke({ except: session })
    })
  if (browser) cookies.add(browser.cookie)
}

/** What is told of the beginnings and ends of sessions. */
class Book {
  readonly begun = new Set<string>()
  readonly moved = new Set<string>()
  readonly ended: string[] = []

  readonly begin = (message: unknown): void => void this.begun.add((message as EndMessage).id)
  readonly login = (message: unknown): void => {
    const { id, previous } = message as LoginMessage
    this.begun.add(id)
    if (previous !== undefined && previous !== id && !this.ended.includes(previous)) this.moved.add(previous)
  }
  readonly end = (message: unknown): void => void this.ended.push((message as EndMessage).id)
}

/** The names of the sessions that these cookies open, wherever they have moved. */
async function aliveIn(sess: Sessions, cookies: Iterable<string>): Promise<ReadonlySet<string>> {
  const ids = [...cookies].map(async (cookie) => sess.id(await sess.exchange(cookie).open()))
  return new Set((await Promise.all(ids)).filter((id) => id !== undefined))
}

test('each session that has ended was told to end exactly once, whatever comes at the same time, and no other was', async () => {
  const scenario = fc.asyncProperty(
    fc.array(ACTION, { minLength: 4, maxLength: 10 }),
    fc.array(fc.nat(4), { minLength: 7, maxLength: 7 }),
    async (actions, delays) => {
      const book = new Book()
      const channels = [
        ['begin', book.begin],
        ['login', book.login],
        ['end', book.end],
      ] as const
      for (const [name, note] of channels) subscribe(`sess.${name}`, note)
      try {
        const sess = sessions(new Jittery(delays), {
          secret: SECRET,
          owner: 'user',
          maxPerOwner: 3,
          onError: () => undefined,
        })
        const browsers = Array.from({ length: BROWSERS }, () => new Browser(sess))
        for (const [index, browser] of browsers.entries())
          await browser.visit((session) => (session['user'] = USERS[index % 2] ?? ''))
        const cookies = new Set(browsers.map(({ cookie }) => cookie))
        await Promise.allSettled(actions.map((action) => act(sess, browsers, cookies, action)))
        const alive = await aliveIn(sess, cookies)
        const told = book.ended.toSorted()
        const over = [...book.begun].filter((id) => !alive.has(id) && !book.moved.has(id)).toSorted()
        expect(told).toEqual(over)
      } finally {
        for (const [name, note] of channels) unsubscribe(`sess.${name}`, note)
      }
    },
  )
  await fc.assert(scenario, { numRuns: 60 })
})

/** A store that does something right before, or right after, an update. */
class Hooked extends CountedStore {
  before: (() => Promise<unknown>) | undefined
  after: (() => Promise<unknown>) | undefined

  override async update(...args: Parameters<CountedStore['update']>): ReturnType<CountedStore['update']> {
    const [before, after] = [this.before, this.after]
    this.before = this.after = undefined
    await before?.()
    const version = await super.update(...args)
    await after?.()
    return version
  }
}

test.each(['before', 'after'] as const)(
  'a session that is revoked while it moves ends once: right %s the move',
  async (when) => {
    const store = new Hooked()
    const sess = sessions(store, { secret: SECRET, owner: 'user' })
    const browser = new Browser(sess)
    await browser.visit((session) => (session['user'] = 'ada'))
    const listener = new Listener()
    store[when] = () => sess.owner('ada').revoke()
    const login = browser.visit((session) => {
      session['at'] = 1
      session.regenerate()
    })
    await login.catch(() => undefined)
    expect(listener.told.filter(([channel, { reason }]) => channel === 'end' && reason === 'revoked')).toHaveLength(1)
  },
)

test('a session that nobody has ends as revoked, if its login is refused after it has moved', async () => {
  const store = new Hooked()
  const sess = sessions(store, { secret: SECRET, owner: 'user' })
  const browser = new Browser(sess)
  await browser.visit((session) => (session['cart'] = 1))
  const listener = new Listener()
  store.after = () => sess.owner('ada').revoke()
  await expect(browser.visit((session) => (session['user'] = 'ada'))).rejects.toThrow('revoked')
  expect(listener.told.filter(([channel]) => channel !== 'open')).toEqual([
    ['end', { store: 'memory', id: '#1', reason: 'revoked' }],
    ['commit', { store: 'memory', id: '#2', previous: '#1', work: 'rotate', attempts: 1, error: 'CONFLICT' }],
  ])
  expect(await browser.see()).toEqual({})
})
