import { type AnyData, type CoreOptions, type Session, type Sessions, sessions } from '@sess/core'
import { bridge } from '@sess/core/bridge'
import { expressSession, type ExpressSessionOptions, sessionOf } from '@sess/express-session'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

const SECRET = 'a secret of at least thirty-two bytes'

type Data = Record<string, unknown>
type Handler = (session: ReturnType<typeof sessionOf<Data>>, request: Request, response: Response) => unknown

interface Options extends Partial<CoreOptions<string>>, ExpressSessionOptions {}

/** An application, and a browser at it: each call is a request that `handler` handles. */
class Site {
  readonly sess: Sessions
  readonly #app: Express
  readonly #origin: Promise<string>
  #handler: (request: Request, response: Response, next: NextFunction) => unknown = () => undefined
  cookie = ''
  setCookie: string | null = null
  errors: unknown[] = []

  constructor({ unset, ...options }: Options = {}, sess?: Sessions) {
    this.sess = sess ?? sessions('memory', { secret: SECRET, scope: randomUUID(), ...options })
    this.#app = express()
    this.#app.use(expressSession(this.sess, { unset }))
    this.#app.use((request, response, next) => this.#handler(request, response, next))
    this.#app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
      this.errors.push(error)
      response.status(500).json({ error: String(error) })
    })
    const server = createServer(this.#app).listen(0, '127.0.0.1')
    this.#origin = once(server, 'listening').then(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(async () => {
      server.closeAllConnections()
      server.close()
      await this.sess.close()
    })
  }

  /** The body of the answer: what the handler returned, unless it answers itself. */
  async visit(handle: Handler, cookie = this.cookie): Promise<unknown> {
    this.#handler = async (request, response) => {
      const result = await handle(sessionOf<Data>(request), request, response)
      if (!response.headersSent && !response.writableEnded) response.json({ result })
    }
    return this.#fetch(cookie)
  }

  async raw(handler: (request: Request, response: Response, next: NextFunction) => unknown): Promise<unknown> {
    this.#handler = handler
    return this.#fetch(this.cookie)
  }

  async #fetch(cookie: string): Promise<unknown> {
    const response = await fetch(await this.#origin, { headers: { cookie }, redirect: 'manual' })
    this.setCookie = response.headers.get('set-cookie')
    if (this.setCookie !== null)
      this.cookie = /Max-Age=0/.test(this.setCookie) ? '' : (this.setCookie.split(';')[0] ?? '')
    const text = await response.text()
    const body: unknown = text.startsWith('{') ? JSON.parse(text) : text
    return typeof body === 'object' && body !== null && 'result' in body ? body.result : body
  }
}

const done = (call: (callback: (error?: unknown) => void) => unknown): Promise<unknown> =>
  new Promise(
    (resolve, reject) =>
      void call((error) =>
        error === undefined ? resolve(undefined) : reject(error instanceof Error ? error : new Error(inspect(error))),
      ),
  )

describe('req.session', () => {
  test('holds what a former request has put there', async () => {
    const site = new Site()
    await site.visit((session) => (session['user'] = 'ada'))
    expect(await site.visit((session) => session['user'])).toBe('ada')
  })

  test('stores nothing and sets no cookie while nobody assigns anything', async () => {
    const site = new Site()
    await site.visit((session) => [
      session['user'],
      'user' in session,
      Object.keys(session),
      session.id,
      session.cookie.maxAge,
    ])
    expect(site.setCookie).toBe(null)
  })

  test('is in one request the session that open resolves with', async () => {
    const site = new Site()
    const seen = await site.visit(async (session, request, response) => {
      session['a'] = 1
      const opened = await site.sess.open(request, response)
      opened['b'] = 2
      opened['list'] = [1]
      Reflect.set(Object(session['list']), 1, 2)
      return [opened['a'], session['b'], opened['list'], site.sess.id(opened) === Reflect.get(request, 'sessionID')]
    })
    expect(seen).toEqual([1, 2, [1, 2], true])
  })

  test.each(['update', 'take'])('has the key %s like any other', async (key) => {
    const site = new Site()
    await site.visit((session) => (session[key] = 'value'))
    expect(await site.visit((session) => [session[key], Object.keys(session)])).toEqual(['value', ['cookie', key]])
  })

  test.each(['save', 'destroy', 'regenerate', 'reload', 'touch', 'cookie', 'id', 'req', 'toString', 'hasOwnProperty'])(
    'keeps %s what it is, whatever is stored',
    async (key) => {
      const site = new Site()
      await site.visit(async (_, request, response) => {
        const opened = await site.sess.open(request, response)
        opened[`~${key}`] = 'one'
        opened['other'] = 1
      })
      expect(await site.visit((session) => String(Reflect.get(session, key)))).not.toBe('one')
    },
  )

  test('stores what JSON makes of a date', async () => {
    const site = new Site()
    await site.visit((session) => (session['at'] = new Date(0)))
    expect(await site.visit((session) => session['at'])).toBe('1970-01-01T00:00:00.000Z')
  })

  test('can be enumerated, spread, merged and serialised, with its cookie and without its methods', async () => {
    const site = new Site()
    await site.visit((session) => Object.assign(session, { a: 1, b: { c: 2 } }))
    const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }
    const seen = await site.visit((session) => {
      const keys: string[] = []
      for (const key in session) keys.push(key)
      const { hasOwnProperty } = Object.prototype
      return [
        keys,
        { ...session },
        JSON.parse(JSON.stringify(session)),
        hasOwnProperty.call(session, 'a'),
        'b' in session,
      ]
    })
    expect(seen).toEqual([
      ['cookie', 'a', 'b'],
      { cookie, a: 1, b: { c: 2 } },
      { cookie, a: 1, b: { c: 2 } },
      true,
      true,
    ])
  })

  test('shows a log its keys, and not its values', async () => {
    const site = new Site()
    const shown = await site.visit((session) => {
      session['password'] = 'hunter2'
      return inspect(session)
    })
    expect(shown).toBe("Session { 'cookie': [hidden], 'password': [hidden] }")
  })

  test('has a key removed by delete', async () => {
    const site = new Site()
    await site.visit((session) => Object.assign(session, { a: 1, b: 2 }))
    await site.visit((session) => delete session['a'])
    expect(await site.visit((session) => Object.keys(session))).toEqual(['cookie', 'b'])
  })

  test('is left alone where another middleware has made one', async () => {
    const request = { session: {} }
    const next = vi.fn<(error?: unknown) => void>()
    const sess = sessions('memory', { secret: SECRET })
    onTestFinished(() => sess.close())
    Reflect.apply(expressSession(sess), undefined, [request, {}, next])
    expect(next).toHaveBeenCalledWith()
    expect(request).toEqual({ session: {} })
  })

  test('cannot be replaced by another object', async () => {
    const site = new Site()
    await site.raw((request, response) => {
      Reflect.set(request, 'session', { user: 'ada' })
      response.end()
    })
    expect(site.errors).toEqual([expect.objectContaining({ code: 'INVALID_VALUE' })])
  })

  test.each<[string, ExpressSessionOptions, unknown]>([
    ['leaves the session as it was', {}, { a: 1 }],
    ['ends the session where the option says so', { unset: 'destroy' }, {}],
  ])('= null %s', async (_, options, left) => {
    const site = new Site(options)
    await site.visit((session) => (session['a'] = 1))
    const { cookie } = site
    await site.raw((request, response) => {
      sessionOf<Data>(request)['a'] = 2
      Reflect.set(request, 'session', null)
      response.end()
    })
    const seen = await site.visit((session) => ({ a: session['a'] }), cookie)
    expect(seen).toEqual(left)
  })

  test('that is changed after the response began is a warning, once, and nothing is stored', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error) => warnings.push(warning)
    process.on('warning', listen)
    onTestFinished(() => void process.off('warning', listen))
    const site = new Site()
    await site.visit((session) => (session['a'] = 1))
    for (let n = 0; n < 2; n++) {
      await site.visit((session, _request, response) => {
        response.redirect('/')
        session['a'] = 2
        delete session['a']
        session.cookie.maxAge = 1000
      })
    }
    expect(await site.visit((session) => session['a'])).toBe(1)
    expect(warnings.filter(({ message }) => message.includes('after the response began'))).toHaveLength(1)
  })

  test('passes on the error of a session that cannot be read', async () => {
    const site = new Site()
    await site.sess.close()
    await site.raw((_request, response) => response.end())
    expect(site.errors).toEqual([expect.objectContaining({ code: 'CLOSED' })])
  })
})

describe('save', () => {
  test('calls back once the session is stored', async () => {
    const site = new Site()
    await site.visit(async (session, request, response) => {
      session['a'] = 1
      await done((callback) => session.save(callback))
      const other = await site.sess.read(request)
      response.json({ result: other })
    })
    expect(await site.visit((session) => session['a'])).toBe(1)
  })

  test('calls back with the error', async () => {
    const site = new Site()
    const failure = await site.visit(async (session) => {
      session['a'] = 'x'.repeat(2 ** 21)
      return done((callback) => session.save(callback)).catch((error: unknown) => Reflect.get(Object(error), 'code'))
    })
    expect(failure).toMatch(/TOO_LARGE|500/)
  })

  test('calls back with SEALED after the response began', async () => {
    const site = new Site()
    let saved: Promise<unknown> | undefined
    await site.visit((session, _request, response) => {
      session['a'] = 1
      response.end()
      saved = done((callback) => session.save(callback))
      saved.catch(() => undefined)
    })
    await expect(saved).rejects.toMatchObject({ code: 'SEALED' })
  })

  test('calls back later, and is chained', async () => {
    const site = new Site()
    const order = await site.visit(async (session) => {
      const seen: string[] = []
      const saved = done((callback) => {
        expect(session.save(callback)).toBe(session)
        seen.push('returned')
      })
      await saved
      return [...seen, 'called']
    })
    expect(order).toEqual(['returned', 'called'])
  })
})

describe('regenerate', () => {
  test('puts an empty session with another id and token into the request, and ends the old one', async () => {
    const site = new Site()
    await site.visit((session) => (session['cart'] = 1))
    const { cookie } = site
    const [before, after, keys, kept] = Object(
      await site.visit(async (session, request) => {
        const id: unknown = Reflect.get(request, 'sessionID')
        await done((callback) => session.regenerate(callback))
        const next = sessionOf<Data>(request)
        next['user'] = 'ada'
        return [id, Reflect.get(request, 'sessionID'), Object.keys(next), session['cart']]
      }),
    )
    expect(after).not.toBe(before)
    expect(keys).toEqual(['cookie', 'user'])
    expect(kept).toBe(1)
    expect(site.cookie).not.toBe(cookie)
    expect(await site.visit((session) => ({ ...session, cookie: 0 }))).toEqual({ user: 'ada', cookie: 0 })
    expect(await site.visit((session) => Object.keys(session), cookie)).toEqual(['cookie'])
  })

  test('stores the old session and the new one in one step: a request under way cannot begin a third one', async () => {
    const site = new Site()
    await site.visit((session) => (session['cart'] = 1))
    const { cookie } = site
    await site.visit(async (session, request) => {
      await done((callback) => session.regenerate(callback))
      sessionOf<Data>(request)['user'] = 'ada'
    })
    const answer = await site.visit((session) => (session['seen'] = true), cookie)
    expect([String(answer), site.setCookie]).toEqual([expect.stringContaining('409'), null])
  })

  test('after the response began ends the old session, and calls back with the reason why none begins', async () => {
    const site = new Site()
    await site.visit((session) => (session['user'] = 'ada'))
    let ended: Promise<unknown> | undefined
    await site.visit((session, _request, response) => {
      response.redirect('/')
      ended = done((callback) => session.regenerate(callback))
      ended.catch(() => undefined)
    })
    await expect(ended).rejects.toMatchObject({ code: 'SEALED' })
    expect(await site.visit((session) => Object.keys(session))).toEqual(['cookie'])
  })

  test('lets the old session be merged into the new one', async () => {
    const site = new Site()
    await site.visit((session) => (session['cart'] = [1]))
    await site.visit(async (session, request) => {
      await done((callback) => session.regenerate(callback))
      const next = sessionOf<Data>(request)
      for (const key in session) next[key] = session[key]
    })
    expect(await site.visit((session) => session['cart'])).toEqual([1])
  })
})

describe('destroy', () => {
  test('ends the session, removes req.session, and clears the cookie', async () => {
    const site = new Site()
    await site.visit((session) => (session['a'] = 1))
    const { cookie } = site
    const seen = await site.visit(async (session, request) => {
      await done((callback) => session.destroy(callback))
      return [typeof Reflect.get(request, 'session'), session['a']]
    })
    expect(seen).toEqual(['undefined', 1])
    expect(site.cookie).toBe('')
    expect(await site.visit((session) => Object.keys(session), cookie)).toEqual(['cookie'])
  })

  test('after the response began ends the session too', async () => {
    const site = new Site()
    await site.visit((session) => (session['user'] = 'ada'))
    let ended: Promise<unknown> | undefined
    await site.visit((session, _request, response) => {
      response.redirect('/')
      ended = done((callback) => session.destroy(callback))
    })
    await ended
    expect(await site.visit((session) => Object.keys(session))).toEqual(['cookie'])
  })

  test('after the response began is a warning on the cookie store, which cannot end it', async () => {
    const warned = new Promise<Error>((resolve) => {
      const listen = (warning: Error): void => {
        if (Reflect.get(warning, 'code') === 'SESS_LATE_DESTROY') resolve(warning)
      }
      process.on('warning', listen)
      onTestFinished(() => void process.off('warning', listen))
    })
    const site = new Site({}, sessions('cookie', { secret: SECRET }))
    await site.visit((session) => (session['user'] = 'ada'))
    await site.visit((session, _request, response) => {
      response.redirect('/')
      session.destroy()
    })
    expect((await warned).message).toContain('still logged in')
  })

  test('is final, also for a request that was under way', async () => {
    const site = new Site()
    await site.visit((session) => (session['a'] = 1))
    const { cookie } = site
    const answer = await site.visit(async (session) => {
      const other = new Request('http://127.0.0.1/', { headers: { cookie } })
      const exchange = site.sess.exchange(other)
      const opened: Session<AnyData> = await exchange.open()
      opened.destroy()
      await exchange.commit(200)
      session['b'] = 2
    })
    expect(String(answer)).toContain('409')
    expect(await site.visit((session) => Object.keys(session), cookie)).toEqual(['cookie'])
  })
})

describe('reload', () => {
  test('puts the session as it is stored into req.session', async () => {
    const site = new Site()
    await site.visit((session) => (session['a'] = 1))
    const seen = await site.visit(async (session, request) => {
      session['a'] = 2
      await done((callback) => session.reload(callback))
      const again = sessionOf<Data>(request)
      return [again === session, again['a'], session['a']]
    })
    expect(seen).toEqual([false, 1, 2])
  })

  test('calls back with an error for a session that is not stored', async () => {
    const site = new Site()
    const code = await site.visit((session) =>
      done((callback) => session.reload(callback)).catch((error: unknown) => Reflect.get(Object(error), 'code')),
    )
    expect(code).toBe('CONFLICT')
  })
})

describe('cookie', () => {
  test.each<[string, (cookie: ReturnType<typeof sessionOf>['cookie']) => void, number | null]>([
    ['maxAge', (cookie) => (cookie.maxAge = 3_600_000), 3_600_000],
    ['expires', (cookie) => (cookie.expires = new Date(Date.now() + 3_600_000)), 3_600_000],
    ['expires as text', (cookie) => (cookie.expires = new Date(Date.now() + 3_600_000).toISOString()), 3_600_000],
    ['maxAge: null', (cookie) => (cookie.maxAge = null), null],
    ['expires: false', (cookie) => (cookie.expires = false), null],
  ])('.%s says how long the session lives', async (_, change, ms) => {
    const site = new Site()
    await site.visit((session) => {
      session['a'] = 1
      change(session.cookie)
    })
    const seconds = /Max-Age=(\d+)/.exec(site.setCookie ?? '')?.[1]
    expect(seconds).toBe(ms === null ? undefined : String(ms / 1000))
    const maxAge = await site.visit((session) => session.cookie.maxAge)
    if (ms === null) expect(maxAge).toBe(null)
    else expect(Number(maxAge)).toBeGreaterThan(ms - 1000)
  })

  test('has the idle timeout of the options where its cookie is persistent', async () => {
    const site = new Site({ idleTimeout: '1h', cookie: { persistent: true } })
    const use: Handler = (session) => {
      session['a'] = 1
      return [session.cookie.maxAge, session.cookie.originalMaxAge, typeof session.cookie.expires]
    }
    const expected = [3_600_000, 3_600_000, 'object']
    expect([await site.visit(use), await site.visit(use)]).toEqual([expected, expected])
  })

  test('that is copied from another session leaves the timeout to the options', async () => {
    const site = new Site({ idleTimeout: '1h', cookie: { persistent: true } })
    await site.visit((session) => (session['a'] = 1))
    await site.visit(async (session, request, response) => {
      await done((callback) => session.regenerate(callback))
      Object.assign(sessionOf<Data>(request), session)
      return bridge(await site.sess.open(request, response)).maxAge ?? 'of the options'
    })
    const own = await site.visit(async (_, request, response) => {
      return bridge(await site.sess.open(request, response)).maxAge ?? 'of the options'
    })
    expect(own).toBe('of the options')
  })

  test('.expires in the past ends the session', async () => {
    const site = new Site()
    await site.visit((session) => (session['a'] = 1))
    const { cookie } = site
    await site.visit((session) => (session.cookie.expires = new Date(0)))
    await sleep(5)
    expect(await site.visit((session) => Object.keys(session), cookie)).toEqual(['cookie'])
  })

  test.each(['soon', {}, Number.NaN])('.maxAge = %j is INVALID_VALUE', async (bad) => {
    const site = new Site()
    await site.visit((session) => Reflect.set(session.cookie, 'maxAge', bad))
    expect(site.errors).toEqual([expect.objectContaining({ code: 'INVALID_VALUE' })])
  })
})

test('a misspelt option is INVALID_OPTION', () => {
  const sess = sessions('memory', { secret: SECRET })
  onTestFinished(() => sess.close())
  // @ts-expect-error -- a misspelt option
  expect(() => expressSession(sess, { unst: 'keep' })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test.each([undefined, null, {}, { secret: SECRET, resave: false }, 'redis', () => undefined])(
  '%j instead of sessions is INVALID_OPTION, and shows no secret',
  (given) => {
    const call = (): unknown => Reflect.apply(expressSession, undefined, [given])
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(call).not.toThrow(SECRET)
  },
)
