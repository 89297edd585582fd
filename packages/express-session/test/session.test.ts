import type { SessionRequest } from '@sess/express-session'
import expressSession from 'express-session'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { cookieFor, HOUR, NOW, openSessStore, read, write } from './stores.ts'

interface Cookie {
  expires: unknown
  maxAge: unknown
  originalMaxAge: unknown
  readonly data: unknown
  serialize(name: string, value: string): string
}

interface Session {
  readonly id: string
  cookie: Cookie
  touch(): unknown
  resetMaxAge(): unknown
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW })
  onTestFinished(() => void vi.useRealTimers())
})

/** The session that a store makes of data, and what it put into the request. */
function made(by: object, json: string): { readonly session: Session; readonly request: Record<string, unknown> } {
  const request = { sessionID: 'sid' }
  const session: Session = Reflect.apply(Reflect.get(by, 'createSession'), by, [request, JSON.parse(json)])
  return { session, request }
}

/** All that a program can see of a session and its cookie. */
function seen({ session, request }: ReturnType<typeof made>) {
  const { cookie } = session
  const enumerated: string[] = []
  for (const key in session) enumerated.push(key)
  return {
    json: JSON.stringify(session),
    enumerated,
    isInRequest: request['session'] === session,
    keys: Object.keys(session),
    own: ['id', 'req'].map((name) => Object.getOwnPropertyDescriptor(session, name)?.writable),
    id: session.id,
    cookie: {
      keys: Object.keys(cookie).toSorted(),
      json: JSON.stringify(cookie),
      data: cookie.data,
      maxAge: cookie.maxAge,
      expires: cookie.expires,
      originalMaxAge: cookie.originalMaxAge,
      serialized: outcome(() => cookie.serialize('name', 'a value')),
    },
  }
}

function outcome(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    // The newer version of the package cookie adds the value to the message.
    return String(error).replace(/(: [^:]*): .*/, '$1')
  }
}

const COOKIES = {
  'for an hour': cookieFor(HOUR),
  'until the browser closes': cookieFor(null),
  'of an older express-session': { originalMaxAge: null, expires: null, httpOnly: true, path: '/' },
  'with every attribute': {
    ...cookieFor(HOUR, { httpOnly: false, secure: true, domain: 'example.com', path: '/admin', sameSite: 'lax' }),
    priority: 'high',
    partitioned: true,
  },
  'strict by true': cookieFor(HOUR, { sameSite: true }),
  'that has no attributes': {},
  'with an end and no lifetime': { expires: new Date(NOW + HOUR).toISOString() },
  'with a lifetime and no end': { originalMaxAge: HOUR },
  'with an end that is no date': { expires: 'soon' },
  'with data of its own': { data: 1, custom: 2 },
}

const USES: Readonly<Record<string, (session: Session) => unknown>> = {
  'is made': () => undefined,
  'is touched later': (session) => {
    vi.setSystemTime(NOW + 1000)
    session.touch()
  },
  'has its maxAge reset': (session) => session.resetMaxAge(),
  'gets a maxAge': ({ cookie }) => (cookie.maxAge = 5000),
  'gets a maxAge of null': ({ cookie }) => (cookie.maxAge = null),
  'gets a maxAge that is a Date': ({ cookie }) => (cookie.maxAge = new Date(NOW + 7000)),
  'gets an end': ({ cookie }) => (cookie.expires = new Date(NOW + 9000)),
  'gets an end of false': ({ cookie }) => (cookie.expires = false),
}

describe('a session that was read is what express-session makes', () => {
  const cases = Object.entries(COOKIES).flatMap(([name, cookie]) =>
    Object.keys(USES).map(
      (use) => [`with a cookie ${name}, when it ${use}`, { cookie, user: { id: 1 } }, use] as const,
    ),
  )
  const odd = [
    ['with keys that are names of methods', { save: 1, id: 2, req: 3, cookie: {}, toString: 4, user: 5 }, 'is made'],
    ['with its cookie last', { user: 1, cookie: cookieFor(HOUR) }, 'is made'],
    ['with a number as a key', { b: 1, 7: 2, cookie: {} }, 'is made'],
  ] as const

  it.each([...cases, ...odd])('%s', (_, data, use) => {
    const [ours, theirs] = [openSessStore(), new expressSession.MemoryStore()].map((store) => {
      vi.setSystemTime(NOW)
      const result = made(store, JSON.stringify(data))
      USES[use]?.(result.session)
      return seen(result)
    })
    expect(ours).toEqual(theirs)
  })

  it('and throws the same for a maxAge of another type', () => {
    const messages = [openSessStore(), new expressSession.MemoryStore()].map((store) => {
      const { session } = made(store, JSON.stringify({ cookie: {} }))
      return outcome(() => (session.cookie.maxAge = '1h'))
    })
    expect(messages).toEqual(['TypeError: maxAge must be a number or Date', messages[1]])
  })
})

describe('a session that was read', () => {
  it.each([{ one: 1 }, { cookie: null }, { cookie: 'the-secret' }])('needs a cookie: %j throws CORRUPT', (data) => {
    const make = () => openSessStore().createSession({ sessionID: 'sid' }, data)
    expect(make).toThrow(expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining('{ cookie: {}') }))
    expect(make).not.toThrow(/the-secret/)
  })

  it('cannot change the prototype of its cookie', () => {
    const { session } = made(openSessStore(), '{"cookie":{"__proto__":{"polluted":true}}}')
    expect(session.cookie).not.toHaveProperty('polluted')
  })

  it('keeps its lifetime, however often it is touched while the clock runs', () => {
    const { session } = made(openSessStore(), JSON.stringify({ cookie: cookieFor(HOUR) }))
    let now = NOW
    const running = vi.spyOn(Date, 'now').mockImplementation(() => now++)
    onTestFinished(() => running.mockRestore())
    for (let n = 0; n < 10; n++) session.touch()
    expect(session.cookie.originalMaxAge).toBe(HOUR)
  })
})

describe('the methods of a session that was read', () => {
  async function loaded() {
    const store = openSessStore()
    await write(store, { cookie: cookieFor(HOUR), one: 1 })
    const data = await read(store)
    const request: SessionRequest = { sessionID: 'sid', sessionStore: store }
    return { store, request, session: store.createSession(request, data ?? {}) }
  }

  it('save stores it', async () => {
    const { store, session } = await loaded()
    await new Promise((resolve) => Object.assign(session, { two: 2 }).save(resolve))
    expect(await read(store)).toMatchObject({ one: 1, two: 2 })
  })

  it('save needs no callback', async () => {
    const { store, session } = await loaded()
    Object.assign(session, { two: 2 }).save()
    await vi.waitFor(async () => expect(await read(store)).toMatchObject({ two: 2 }))
  })

  it('reload gives the request what is stored now', async () => {
    const { request, store, session } = await loaded()
    await write(store, { cookie: cookieFor(HOUR), two: 2 })
    const failure = await new Promise((resolve) => session.reload(resolve))
    expect({ failure, stored: request.session }).toMatchObject({ failure: null, stored: { two: 2 } })
  })

  it('reload fails, as that of express-session, where the session has ended', async () => {
    const { store, session } = await loaded()
    await new Promise<void>((resolve) => store.destroy('sid', () => resolve()))
    const failure = await new Promise((resolve) => session.reload(resolve))
    expect(failure).toMatchObject({ message: 'failed to load session' })
  })

  it('reload hands on that what is stored has no cookie', async () => {
    const { store, session } = await loaded()
    await write(store, { two: 2 })
    const failure = await new Promise((resolve) => session.reload(resolve))
    expect(failure).toMatchObject({ code: 'CORRUPT' })
  })

  it('destroy ends it, and takes it from the request', async () => {
    const { request, store, session } = await loaded()
    await new Promise((resolve) => session.destroy(resolve))
    expect({ stored: await read(store), request }).toEqual({
      stored: null,
      request: { sessionID: 'sid', sessionStore: store },
    })
  })

  it('regenerate ends it, and gives the request another one', async () => {
    const { request, store, session } = await loaded()
    store.generate = (given) => (given.session = 'another')
    await new Promise((resolve) => session.regenerate(resolve))
    expect({ stored: await read(store), session: request.session }).toEqual({ stored: null, session: 'another' })
  })

  it('save throws INVALID_REQUEST where the request has no store, and says what to do', () => {
    const session = openSessStore().createSession({ sessionID: 'sid' }, { cookie: {} })
    expect(() => session.save()).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining('request.sessionStore') }),
    )
  })
})
