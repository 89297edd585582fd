import cookie from '@sess/adapter-cookie'
import { type AnyData, type Session, type Sessions, sessions } from '@sess/core'
import { type ServerStore, SessError } from '@sess/core/adapter'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { OTHER_SECRET, SECRET } from '../support/secret.ts'
import { serve } from '../support/served.ts'

const emitWarning = vi.spyOn(process, 'emitWarning')
beforeAll(() => void emitWarning.mockReturnValue())
afterAll(() => emitWarning.mockRestore())

type Use = (session: Session<AnyData>) => unknown
type Open = () => Promise<Session<AnyData>>

/** Runs `handle` in one request with this cookie; resolves with the response's headers. */
type Answer = (sess: Sessions, cookie: string, handle: (open: Open) => unknown) => Promise<Headers>

const ANSWERS: readonly (readonly [name: string, answer: Answer])[] = [
  ['node:http', answerByNode],
  ['fetch', answerByFetch],
]

async function answerByNode(sess: Sessions, header: string, handle: (open: Open) => unknown): Promise<Headers> {
  const respond = async (...[req, res]: Parameters<Parameters<typeof serve>[0]>) => {
    await handle(() => sess.open(req, res))
    res.end('done')
  }
  const port = await serve((req, res) => void respond(req, res))
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie: header } })
  expect(await response.text()).toBe('done')
  return response.headers
}

async function answerByFetch(sess: Sessions, header: string, handle: (open: Open) => unknown): Promise<Headers> {
  const respond = sess.fetch(async (request) => {
    await handle(() => sess.open(request))
    return new Response('done')
  })
  const response = await respond(new Request('http://127.0.0.1/', { headers: { cookie: header } }))
  expect(await response.text()).toBe('done')
  return response.headers
}

function start(): { sess: Sessions; store: CountedStore } {
  const store = new CountedStore()
  return { store, sess: sessions(store, { secret: SECRET }) }
}

/** The `Cookie` header of an existing session of a browser on this machine. */
async function begun(sess: Sessions): Promise<string> {
  const browser = new Browser(sess, { https: false })
  await browser.visit((session) => Object.assign(session, { user: 7 }))
  return browser.cookie
}

function expectPlain(headers: Headers): void {
  expect([...headers.keys()].filter((name) => /cookie|vary|cache/.test(name))).toEqual([])
}

describe.each(ANSWERS)('a request without a cookie, by %s', (_, answer) => {
  test.each<[string, (open: Open) => unknown]>([
    ['that opens no session', () => undefined],
    ['that opens a session and does not use it', (open) => open()],
    ['that awaits its session over and over', async (open) => void (await Promise.resolve(await open()))],
  ])('%s calls nothing and sends nothing', async (_what, handle) => {
    const { sess, store } = start()
    expectPlain(await answer(sess, '', handle))
    expect(store.calls).toEqual([])
  })

  test.each<[string, Use]>([
    ['reads a key', (session) => session['user']],
    ['reads all', (session) => ({ ...session })],
    ['removes what is not there', (session) => delete session['user']],
    ['takes what is not there', (session) => session.take('notice')],
    ['puts in and takes out', (session) => [(session['user'] = 7), delete session['user']]],
    ['updates to nothing', (session) => session.update('user', () => undefined)],
    ['logs out', (session) => session.destroy()],
    ['logs in and says nothing of whom', (session) => session.regenerate()],
    ['saves', (session) => session.save()],
  ])('that %s calls nothing and sets no cookie', async (_what, use) => {
    const { sess, store } = start()
    const headers = await answer(sess, '', async (open) => use(await open()))
    expect(headers.getSetCookie()).toEqual([])
    expect(store.calls).toEqual([])
  })

  test('that writes makes one call', async () => {
    const { sess, store } = start()
    const headers = await answer(sess, '', async (open) => Object.assign(await open(), { user: 7 }))
    expect(headers.getSetCookie()).toHaveLength(1)
    expect(store.take()).toEqual(['create'])
  })

  test('that writes and fails makes none', async () => {
    const { sess, store } = start()
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    expect(await exchange.commit(500)).toEqual([['vary', 'Cookie']])
    expect(store.calls).toEqual([])
  })
})

describe.each(ANSWERS)('a request of a session that exists, by %s', (_, answer) => {
  test('that opens no session calls nothing', async () => {
    const { sess, store } = start()
    const header = await begun(sess)
    store.take()
    expectPlain(await answer(sess, header, () => undefined))
    expect(store.take()).toEqual([])
  })

  test.each<[string, Use]>([
    ['only opens it', () => undefined],
    ['reads a key', (session) => session['user']],
    ['reads all', (session) => JSON.stringify(session)],
    ['writes what is there', (session) => Object.assign(session, { user: 7 })],
    ['removes what is not there', (session) => delete session['none']],
    ['puts in and takes out', (session) => [(session['more'] = 7), delete session['more']]],
    ['saves what has not changed', (session) => session.save()],
  ])('that %s makes one call and sets no cookie', async (_what, use) => {
    const { sess, store } = start()
    const header = await begun(sess)
    store.take()
    const headers = await answer(sess, header, async (open) => use(await open()))
    expect(headers.getSetCookie()).toEqual([])
    expect(store.take()).toEqual(['read'])
  })

  test.each<[string, Use, readonly string[]]>([
    ['writes', (session) => Object.assign(session, { user: 8 }), ['read', 'update']],
    ['writes several keys', (session) => Object.assign(session, { a: 1, b: 2, c: 3 }), ['read', 'update']],
    ['removes', (session) => delete session['user'], ['read', 'update']],
    ['writes and saves', (session) => Object.assign(session, { user: 8 }).save(), ['read', 'update']],
    ['logs in', (session) => session.regenerate(), ['read', 'create', 'update']],
    ['logs out', (session) => session.destroy(), ['read', 'update', 'destroy']],
  ])('that %s makes no more calls than that takes', async (_what, use, methods) => {
    const { sess, store } = start()
    const header = await begun(sess)
    store.take()
    await answer(sess, header, async (open) => use(await open()))
    expect(store.take()).toEqual(methods)
  })

  test.each<[string, (open: Open) => Promise<readonly unknown[]>]>([
    ['one after the other', async (open) => [await open(), await open(), await open()]],
    ['at once', async (open) => Promise.all([open(), open(), open()])],
  ])('that opens it several times, %s, makes one call and gets one session', async (_what, openAll) => {
    const { sess, store } = start()
    const header = await begun(sess)
    store.take()
    const opened: unknown[] = []
    await answer(sess, header, async (open) => opened.push(...(await openAll(open))))
    expect(store.take()).toEqual(['read'])
    expect(opened).toHaveLength(3)
    expect(new Set(opened).size).toBe(1)
  })

  test('that asks for its id makes no call for it', async () => {
    const { sess, store } = start()
    const header = await begun(sess)
    store.take()
    let id: string | undefined
    await answer(sess, header, async (open) => (id = sess.id(await open())))
    expect(store.take()).toEqual(['read'])
    expect(id).toMatch(/^[\w-]{12}$/)
    // The id is public: it opens no session.
    await answer(sess, `sess=${id}`, async (open) => expect({ ...(await open()) }).toEqual({}))
    expect(store.take()).toEqual([])
  })
})

describe.each(ANSWERS)('a request with a cookie that is not ours, by %s', (_, answer) => {
  test.each<[string, () => Promise<string> | string]>([
    ['junk', () => 'sess=junk'],
    ['an empty one', () => 'sess='],
    ["one of a token's shape", () => `sess=${'A'.repeat(64)}`],
    ['one of another secret', () => begun(sessions(new CountedStore(), { secret: OTHER_SECRET }))],
    ['one that was cut short', async () => (await begun(start().sess)).slice(0, -1)],
    ['one of the cookie store', () => begun(sessions(cookie, { secret: SECRET }))],
    ['one of another name', () => `other=${'A'.repeat(64)}`],
  ])('calls nothing: %s', async (_what, make) => {
    const { sess, store } = start()
    const headers = await answer(sess, await make(), async (open) => ({ ...(await open()) }))
    expect(headers.getSetCookie()).toEqual([])
    expect(store.calls).toEqual([])
  })
})

test('a thousand anonymous requests leave no row and set no cookie', async () => {
  const { sess, store } = start()
  for (let count = 0; count < 1000; count++) {
    const exchange = sess.exchange(count % 2 === 0 ? null : `__Host-sess=${'A'.repeat(64)}`)
    const session = await exchange.open()
    expect(session['user']).toBeUndefined()
    expect(await exchange.commit(200)).toEqual([['vary', 'Cookie']])
  }
  expect(store.calls).toEqual([])
  expect(await store.drain()).toBe(0)
})

test('read() makes one call each time, and none without a cookie', async () => {
  const { sess, store } = start()
  const header = await begun(sess)
  store.take()
  const request = new Request('http://127.0.0.1/', { headers: { cookie: header } })
  expect(await sess.read(request)).toEqual({ user: 7 })
  expect(await sess.read(request)).toEqual({ user: 7 })
  expect(await sess.read(new Request('http://127.0.0.1/'))).toBeNull()
  expect(store.take()).toEqual(['read', 'read'])
})

describe('a store that cannot be read', () => {
  /** A store whose next `failures` reads fail. */
  class Unreadable extends CountedStore {
    failures = 1

    override async read(key: string): ReturnType<ServerStore['read']> {
      if (this.failures-- > 0) throw new SessError('UNAVAILABLE', 'The store is down.')
      return super.read(key)
    }
  }

  async function unreadable(): Promise<{ sess: Sessions; store: Unreadable; header: string }> {
    const store = new Unreadable()
    const sess = sessions(store, { secret: SECRET, onError: () => undefined })
    const header = await begun(sess)
    store.take()
    return { sess, store, header }
  }

  test('is UNAVAILABLE from open, and not an empty session', async () => {
    const { sess, header } = await unreadable()
    const exchange = sess.exchange(header, { https: false })
    expect(await failureOf(exchange.open())).toMatchObject({ code: 'UNAVAILABLE', status: 503 })
  })

  test('is UNAVAILABLE from read, and not the end of the session', async () => {
    const { sess, header } = await unreadable()
    const request = new Request('http://127.0.0.1/', { headers: { cookie: header } })
    expect((await failureOf(sess.read(request))).code).toBe('UNAVAILABLE')
  })

  test('leaves the cookie as it is', async () => {
    const { sess, store, header } = await unreadable()
    const exchange = sess.exchange(header, { https: false })
    await failureOf(exchange.open())
    expect(await exchange.commit(503)).toEqual([])
    expect(await sess.exchange(header, { https: false }).commit(200)).toEqual([])
    expect(store.calls).toEqual([])
  })

  test('is asked again by the next open', async () => {
    const { sess, header } = await unreadable()
    const exchange = sess.exchange(header, { https: false })
    await failureOf(exchange.open())
    expect({ ...(await exchange.open()) }).toEqual({ user: 7 })
  })

  test.each(ANSWERS)('leaves a response that goes on without a session as it is, by %s', async (_, answer) => {
    const { sess, header } = await unreadable()
    expectPlain(await answer(sess, header, async (open) => failureOf(open())))
  })
})

describe('sessions that are off', () => {
  test('need no option, and no adapter', () => {
    expect(sessions(false)).toHaveProperty('open')
    expect(sessions(false, { secret: undefined, url: 1 })).toHaveProperty('open')
  })

  test.each<[string, (sess: Sessions) => Promise<unknown>]>([
    ['open', (sess) => sess.open(new Request('http://127.0.0.1/'))],
    ['read', (sess) => sess.read(new Request('http://127.0.0.1/'))],
    ['open of an exchange', (sess) => sess.exchange(null).open()],
  ])('say how to turn them on: %s', async (_, call) => {
    expect(await failureOf(call(sessions(false)))).toMatchObject({
      code: 'DISABLED',
      status: 500,
      message: expect.stringContaining("sessions('cookie', { secret: process.env.SESSION_SECRET })"),
    })
  })

  test.each(ANSWERS)('leave a response as it is, by %s', async (_, answer) => {
    expectPlain(await answer(sessions(false), 'sess=x', () => undefined))
    expectPlain(await answer(sessions(false), 'sess=x', async (open) => failureOf(open())))
  })

  test('hand on the very response of a fetch handler, and its arguments', async () => {
    const response = new Response()
    const handle = sessions(false).fetch(async (_request, one: number, two: string) => {
      expect([one, two]).toEqual([1, 'two'])
      return response
    })
    expect(await handle(new Request('http://127.0.0.1/'), 1, 'two')).toBe(response)
  })

  test('have nothing to store and nothing to close', async () => {
    const sess = sessions(false)
    const exchange = sess.exchange('sess=x')
    expect(exchange.pending).toBe(false)
    exchange.discard()
    expect(await exchange.commit(200)).toEqual([])
    await sess.close()
    await sess[Symbol.asyncDispose]()
  })
})
