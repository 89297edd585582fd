import type { AnyData, CoreOptions, Session, Sessions } from '@sess/core'
import { bridge } from '@sess/core/bridge'
import { Browser } from './browser.ts'
import { type Clock, HOUR, MINUTE } from './clock.ts'
import { OTHER_SECRET } from './secret.ts'
import type { Told } from './told.ts'

/** A story's applications, which share one store. */
export interface Scene {
  readonly sess: Sessions
  readonly secret: string
  /** Another application with these options. */
  readonly start: (options: Partial<CoreOptions<string>>) => Sessions
  readonly clock: Clock
  readonly browser: Browser
}

export interface Story {
  readonly title: string
  readonly options?: Partial<CoreOptions<string>>
  /** What happens before anyone listens. */
  readonly given?: (scene: Scene) => Promise<unknown>
  readonly when: (scene: Scene) => Promise<unknown>
  /** What is told, without the store's name. */
  readonly told: readonly Told[]
  /** The store calls that begin, in order. */
  readonly calls: readonly string[]
}

const NEWER_SECRET = 'a newer secret, which has as many bytes or more'

type Use = (session: Session<AnyData>) => unknown

const does =
  (...uses: readonly Use[]) =>
  async ({ browser }: Scene): Promise<void> => {
    for (const use of uses) await browser.visit(use)
  }

const begins: Use = (session) => (session['visits'] = 1)
const reads: Use = (session) => session['visits']
const counts: Use = (session) => session.update('visits', (visits) => Number(visits ?? 0) + 1)
const logsIn =
  (user: string): Use =>
  (session) =>
    (session['user'] = user)
const regenerates: Use = (session) => {
  session['role'] = 'editor'
  session.regenerate()
}
const logsOut: Use = (session) => session.destroy()

async function refused(work: Promise<unknown>): Promise<void> {
  if (
    await work.then(
      () => true,
      () => false,
    )
  )
    throw new Error('expected a refusal')
}

const NONE: Told = ['open', { outcome: 'none' }]
const found = (id: string): Told => ['open', { id, outcome: 'found' }]
const begun = (id: string): Told => ['begin', { id }]
const loggedIn = (id: string, previous?: string): Told => ['login', previous === undefined ? { id } : { id, previous }]
const ended = (id: string, reason: string): Told => ['end', { id, reason }]
const created = (id: string): Told => ['commit', { id, work: 'create', bytes: 'some' }]

/** On a store that is a server, where `attempts` are counted; in the browser, there are none. */
function changed(id: string, attempts?: number, more: object = {}): Told {
  return ['commit', { id, work: 'update', ...(attempts && { attempts }), bytes: 'some', ...more }]
}

function rotated(id: string, previous?: string, attempts?: number): Told {
  return ['commit', { id, ...(previous && { previous }), work: 'rotate', ...(attempts && { attempts }), bytes: 'some' }]
}

/** The stories of every store. `kind` is that of the store: only a server's counts attempts. */
function storiesOn(kind: 'server' | 'client'): readonly Story[] {
  const attempts = kind === 'server' ? 1 : undefined
  const either = (server: readonly string[], client: readonly string[]) => (kind === 'server' ? server : client)
  return [
    { title: 'a stranger reads', when: does(reads), told: [NONE], calls: [] },
    {
      title: 'a session begins',
      when: does(begins),
      told: [NONE, begun('#1'), created('#1')],
      calls: either(['create'], ['seal']),
    },
    {
      title: 'a session is read',
      given: does(begins),
      when: does(reads),
      told: [found('#1')],
      calls: either(['read'], ['open']),
    },
    {
      title: 'a session is read without a response',
      given: does(begins),
      when: ({ sess, browser }) =>
        sess.read(new Request('https://localhost/', { headers: { cookie: browser.cookie } })),
      told: [found('#1')],
      calls: either(['read'], ['open']),
    },
    {
      title: 'a session is changed',
      given: does(begins),
      when: does(counts),
      told: [found('#1'), changed('#1', attempts)],
      calls: either(['read', 'update'], ['open', 'seal']),
    },
    {
      title: 'a session is saved, and changed again',
      given: does(begins),
      when: does(async (session) => {
        counts(session)
        await session.save()
        counts(session)
      }),
      told: [found('#1'), changed('#1', attempts), changed('#1', attempts)],
      calls: either(['read', 'update', 'update'], ['open', 'seal', 'seal']),
    },
    {
      title: 'a session is extended',
      given: does(begins),
      async when({ browser, clock }) {
        clock.advance(2 * HOUR)
        await browser.visit(reads)
      },
      told: [found('#1'), ['commit', { id: '#1', work: 'extend', ...(attempts && { attempts }), bytes: 'some' }]],
      calls: either(['read', 'update'], ['open', 'seal']),
    },
    {
      title: 'a session moves to a new token, with a change: a login',
      given: does(begins),
      when: does(regenerates),
      told: [found('#1'), loggedIn('#2', '#1'), rotated('#2', '#1', attempts)],
      calls: either(['read', 'create', 'update'], ['open', 'seal']),
    },
    {
      title: 'a session moves to a new token, without a change: no login',
      given: does(begins),
      when: does((session) => session.regenerate()),
      told: [found('#1'), rotated('#2', '#1', attempts)],
      calls: either(['read', 'create', 'update'], ['open', 'seal']),
    },
    {
      title: 'a session begins with a login',
      when: does(regenerates),
      told: [NONE, begun('#1'), loggedIn('#1'), created('#1')],
      calls: either(['create'], ['seal']),
    },
    {
      title: 'a logout',
      given: does(begins),
      when: does(logsOut),
      told: [found('#1'), ended('#1', 'logout'), ['commit', { id: '#1', work: 'end', ...(attempts && { attempts }) }]],
      calls: either(['read', 'update', 'destroy'], ['open']),
    },
    {
      title: 'a logout, and another session in its place',
      given: does(begins),
      when: does((session) => {
        session.destroy()
        begins(session)
      }),
      told: [
        found('#1'),
        ended('#1', 'logout'),
        begun('#2'),
        ['commit', { id: '#1', work: 'end', ...(attempts && { attempts }), bytes: 'some' }],
      ],
      calls: either(['read', 'update', 'create'], ['open', 'seal']),
    },
    {
      title: 'a logout of nobody',
      when: does(logsOut),
      told: [NONE, ['commit', { work: 'end' }]],
      calls: [],
    },
    {
      title: 'a session that expired, and comes again',
      given: does(begins),
      async when({ browser, clock }) {
        clock.advance(25 * HOUR)
        await browser.visit(reads)
        await browser.visit(reads)
      },
      told: [ended('#1', 'expired'), NONE, NONE],
      calls: either(['read', 'read'], ['open', 'open']),
    },
    {
      title: 'a session that was logged out, and comes again with its cookie',
      given: async ({ browser, sess }) => {
        await browser.visit(begins)
        const copy = browser.at(sess)
        await browser.visit(logsOut)
        for (const [name, value] of copy.jar) browser.jar.set(name, value)
      },
      when: does(reads),
      told: kind === 'client' ? [found('#1')] : [NONE],
      calls: either(['read'], ['open']),
    },
    {
      title: 'the cookie of another application',
      given: async ({ browser, start }) => {
        const other = browser.at(start({ secret: OTHER_SECRET }))
        await other.visit(begins)
        for (const [name, value] of other.jar) browser.jar.set(name, value)
      },
      when: does(reads),
      told: [['open', { outcome: 'foreign' }]],
      calls: either([], ['open']),
    },
    {
      title: 'a cookie that is junk',
      given: async ({ browser }) => browser.jar.set('__Host-sess', 'junk'),
      when: does(reads),
      told: [NONE],
      calls: either([], ['open']),
    },
    {
      title: 'the cookie of an older secret',
      given: does(begins),
      when: async ({ browser, start, secret }) => {
        const rotating = browser.at(start({ secret: [NEWER_SECRET, secret] }))
        await rotating.visit(counts)
        await rotating.visit(reads)
      },
      told: [['open', { id: '#1', outcome: 'rotated' }], changed('#1', attempts), found('#1')],
      calls: either(['read', 'update', 'read'], ['open', 'seal', 'open']),
    },
    {
      title: 'a change that the session has no room for',
      given: does(begins),
      when: async ({ browser }) => refused(browser.visit((session) => (session['text'] = 'x'.repeat(2_000_000)))),
      told: [found('#1'), ['commit', { id: '#1', work: 'update', error: 'TOO_LARGE' }]],
      calls: either(['read'], ['open']),
    },
  ]
}

export const COOKIE_STORIES: readonly Story[] = storiesOn('client')

const OWNED = { owner: 'user' }

export const SERVER_STORIES: readonly Story[] = [
  ...storiesOn('server'),
  {
    title: 'two requests change what both have read',
    given: does(begins),
    async when({ sess, browser }) {
      const [one, other] = [sess.exchange(browser.cookie), sess.exchange(browser.cookie)]
      for (const exchange of [one, other]) {
        const session = await exchange.open()
        session['visits'] = Number(session['visits']) + 1
      }
      await one.commit(200)
      await refused(other.commit(200))
    },
    told: [
      found('#1'),
      found('#1'),
      changed('#1', 1),
      ['conflict', { id: '#1', key: 'visits' }],
      ['commit', { id: '#1', work: 'update', attempts: 1, error: 'CONFLICT' }],
    ],
    calls: ['read', 'read', 'update', 'update', 'read'],
  },
  {
    title: 'two requests change one key by functions',
    given: does(begins),
    async when({ sess, browser }) {
      const [one, other] = [sess.exchange(browser.cookie), sess.exchange(browser.cookie)]
      for (const exchange of [one, other]) counts(await exchange.open())
      await one.commit(200)
      await other.commit(200)
    },
    told: [found('#1'), found('#1'), changed('#1', 1), changed('#1', 2)],
    calls: ['read', 'read', 'update', 'update', 'read', 'update'],
  },
  {
    title: 'a request with the cookie of before a login reads, and cannot change anything',
    given: async ({ browser, sess }) => {
      await browser.visit(begins)
      const copy = browser.at(sess)
      await browser.visit(regenerates)
      for (const [name, value] of copy.jar) browser.jar.set(name, value)
    },
    when: async ({ browser }) => refused(browser.visit(counts)),
    told: [found('#1'), ['commit', { id: '#1', work: 'update', error: 'CONFLICT' }]],
    calls: ['read', 'read'],
  },
  {
    title: 'a logout after the response has begun',
    given: does(begins),
    async when({ sess, browser }) {
      const exchange = sess.exchange(browser.cookie)
      const session = bridge(await exchange.open())
      await exchange.commit(200)
      await session.end()
    },
    told: [found('#1'), ended('#1', 'logout'), ['commit', { id: '#1', work: 'end', attempts: 1 }]],
    calls: ['read', 'update', 'destroy'],
  },
  {
    title: 'two logouts of one session',
    given: does(begins),
    async when({ sess, browser }) {
      const [one, other] = [sess.exchange(browser.cookie), sess.exchange(browser.cookie)]
      for (const exchange of [one, other]) logsOut(await exchange.open())
      await Promise.all([one.commit(200), other.commit(200)])
    },
    told: [
      found('#1'),
      found('#1'),
      ended('#1', 'logout'),
      ['commit', { id: '#1', work: 'end', attempts: 1 }],
      ['commit', { id: '#1', work: 'end' }],
    ],
    calls: ['read', 'read', 'update', 'destroy'],
  },
  {
    title: 'a logout of a browser with the cookies of two sessions',
    given: async ({ browser, sess, clock }) => {
      const other = new Browser(sess)
      await other.visit(begins)
      clock.advance(MINUTE)
      await browser.visit(begins)
      browser.jar.set('__Host-sess', `${browser.token}; __Host-sess=${other.token}`)
    },
    when: does(logsOut),
    told: [
      found('#1'),
      ended('#2', 'logout'),
      ended('#1', 'logout'),
      ['commit', { id: '#1', work: 'end', attempts: 2 }],
    ],
    calls: ['read', 'read', 'update', 'destroy', 'update', 'destroy'],
  },
  {
    title: 'a session gets an owner: a login',
    options: OWNED,
    given: does(begins),
    when: does(logsIn('ada')),
    told: [found('#1'), loggedIn('#2', '#1'), rotated('#2', '#1', 1)],
    calls: ['read', 'read', 'create', 'update', 'create'],
  },
  {
    title: 'a session begins with an owner: a login',
    options: OWNED,
    when: does(logsIn('ada')),
    told: [NONE, begun('#1'), loggedIn('#1'), created('#1')],
    calls: ['read', 'create', 'create'],
  },
  {
    title: 'its owner logs in again, and it keeps its name',
    options: OWNED,
    given: does(logsIn('ada')),
    when: does(regenerates),
    told: [found('#1'), loggedIn('#1', '#1'), rotated('#1', undefined, 1)],
    calls: ['read', 'create', 'update', 'read', 'update'],
  },
  {
    title: 'another user logs in over it: the session of the first one ends',
    options: OWNED,
    given: does(logsIn('ada')),
    when: does(logsIn('grace')),
    told: [found('#1'), ended('#1', 'logout'), begun('#2'), loggedIn('#2', '#1'), rotated('#2', '#1', 1)],
    calls: ['read', 'update', 'read', 'update', 'read', 'create', 'create'],
  },
  {
    title: 'a session loses its owner: no login, and no end',
    options: OWNED,
    given: does(logsIn('ada')),
    when: does((session) => delete session['user']),
    told: [found('#1'), rotated('#2', '#1', 1)],
    calls: ['read', 'create', 'update', 'read', 'update'],
  },
  {
    title: 'a change of what is nobody’s, with a new token: no login, where sessions have owners',
    options: OWNED,
    given: does(begins),
    when: does(regenerates),
    told: [found('#1'), rotated('#2', '#1', 1)],
    calls: ['read', 'create', 'update'],
  },
  {
    title: 'all sessions of a user are revoked',
    options: OWNED,
    given: async ({ browser, sess }) => {
      for (const each of [browser, new Browser(sess)]) await each.visit(logsIn('ada'))
    },
    when: ({ sess }) => sess.owner('ada').revoke(),
    told: [ended('#1', 'revoked'), ended('#2', 'revoked')],
    calls: ['read', 'update', 'read', 'read', 'update', 'update', 'read', 'update'],
  },
  {
    title: 'one session of a user is revoked',
    options: OWNED,
    given: async ({ browser, sess }) => {
      for (const each of [browser, new Browser(sess)]) await each.visit(logsIn('ada'))
    },
    when: async ({ sess, browser }) => {
      const session = await sess.exchange(browser.cookie).open()
      await sess.owner('ada').revoke({ id: sess.id(session) ?? '' })
    },
    told: [found('#1'), ended('#1', 'revoked')],
    calls: ['read', 'read', 'read', 'read', 'read', 'update', 'read', 'update', 'read', 'update', 'read', 'destroy'],
  },
  {
    title: 'all sessions of a user but one are revoked, and that one goes on',
    options: OWNED,
    given: async ({ browser, sess }) => {
      for (const each of [browser, new Browser(sess)]) await each.visit(logsIn('ada'))
    },
    when: ({ sess, browser }) => browser.visit((session) => sess.owner('ada').revoke({ except: session })),
    told: [found('#1'), ended('#2', 'revoked')],
    calls: ['read', 'read', 'read', 'update', 'read', 'update', 'read', 'update'],
  },
  {
    title: 'a login beyond the limit ends the session used least recently',
    options: { owner: 'user', maxPerOwner: 1 },
    given: async ({ sess }) => new Browser(sess).visit(logsIn('ada')),
    when: does(logsIn('ada')),
    told: [NONE, ended('#1', 'limit'), begun('#2'), loggedIn('#2'), created('#2')],
    calls: ['read', 'create', 'update', 'read', 'update', 'read', 'update'],
  },
  {
    title: 'a request is under way when its session is revoked',
    options: OWNED,
    given: does(logsIn('ada')),
    async when({ sess, browser }) {
      const exchange = sess.exchange(browser.cookie)
      counts(await exchange.open())
      await sess.owner('ada').revoke()
      await refused(exchange.commit(200))
    },
    told: [
      found('#1'),
      ended('#1', 'revoked'),
      ['commit', { id: '#1', work: 'update', attempts: 1, error: 'CONFLICT' }],
    ],
    calls: ['read', 'read', 'update', 'read', 'update', 'read', 'update', 'update', 'read'],
  },
]
