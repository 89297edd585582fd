import { createServer } from 'node:http'
import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import { cookieFor } from '@sess/core/testing'
import { describe, expect, test } from 'vitest'
import { Clock, HOUR } from './support/clock.ts'
import { FailingStore } from './support/failing-store.ts'
import { failureOf } from '../../../tests/support/stores.ts'
import { OLDER_SECRET, SECRET } from './support/secret.ts'
import { serve } from './support/served.ts'

interface Visitor {
  user: string
  cart: string[]
}

const ADA: Partial<Visitor> = { user: 'ada', cart: ['emma'] }

const on = (store: 'cookie' | 'memory', options: Partial<CoreOptions> = {}): Sessions<Visitor> =>
  sessions(store, { secret: SECRET, ...options })

/** The session's values that a server on this machine sees in a request with that cookie. */
async function seen(sess: Sessions<Visitor>, cookie: string, headers: Record<string, string> = {}): Promise<unknown> {
  const port = await serve((req, res) => {
    void sess.open(req, res).then((session) => res.end(JSON.stringify(session)))
  }, createServer())
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie, ...headers } })
  return response.json()
}

const THROUGH_A_PROXY = { 'x-forwarded-proto': 'https' }

describe.each(['cookie', 'memory'] as const)('on the %s store', (store) => {
  test('a request with the cookie finds the data', async () => {
    const sess = on(store)
    expect(await seen(sess, await cookieFor(sess, ADA))).toEqual(ADA)
  })

  test('a request over https finds the data only with https: true', async () => {
    const sess = on(store)
    const [plain, secure] = [await cookieFor(sess, ADA), await cookieFor(sess, ADA, { https: true })]
    expect(await seen(sess, secure, THROUGH_A_PROXY)).toEqual(ADA)
    expect(await seen(sess, plain, THROUGH_A_PROXY)).toEqual({})
    expect(await seen(sess, secure)).toEqual({})
  })

  test.each([
    ['always Secure', { secure: true }],
    ['never Secure', { secure: false }],
    ['of another name', { name: 'other' }],
    ['of a domain', { domain: 'example.com' }],
  ])('a cookie that is %s needs no word of it', async (_name, cookie) => {
    const sess = on(store, { cookie })
    expect(await seen(sess, await cookieFor(sess, ADA))).toEqual(ADA)
  })

  test('it is the name and the value, without attributes', async () => {
    expect(await cookieFor(on(store, { cookie: { persistent: true } }), ADA)).toMatch(/^sess=[\w-]+$/)
  })

  test('the session ages by the clock of its application', async () => {
    const clock = new Clock()
    const sess = on(store, { clock: clock.read, idleTimeout: HOUR })
    const cookie = await cookieFor(sess, ADA)
    clock.advance(HOUR - 1)
    expect(await seen(sess, cookie)).toEqual(ADA)
    clock.advance(HOUR + 1)
    expect(await seen(sess, cookie)).toEqual({})
  })

  test('its token is made by the newest secret', async () => {
    const cookie = await cookieFor(on(store, { secret: [SECRET, OLDER_SECRET] }), ADA)
    expect((await on(store, { secret: OLDER_SECRET }).exchange(cookie, { https: false }).open()).user).toBeUndefined()
  })

  test.each([
    ['no data', {}],
    ['data of undefined', { user: undefined }],
  ])('%s is INVALID_VALUE, since there would be no cookie', async (_name, data) => {
    expect(await failureOf(cookieFor(on(store), data))).toMatchObject({
      code: 'INVALID_VALUE',
      message: expect.stringContaining('give cookieFor data'),
    })
  })

  test.each([[undefined], [null], ['ada'], [['ada']], [1]])(
    'in JavaScript, %j for data is INVALID_VALUE',
    async (data) => {
      const rejection = await failureOf(Reflect.apply(cookieFor, undefined, [on(store), data]))
      expect(rejection).toMatchObject({
        code: 'INVALID_VALUE',
        message: expect.stringContaining("such as { user: 'ada' }"),
      })
    },
  )
})

test('each call begins a session of its own', async () => {
  const sess = on('memory')
  const [one, two] = [await cookieFor(sess, { user: 'ada' }), await cookieFor(sess, { user: 'bert' })]
  expect([await seen(sess, one), await seen(sess, two)]).toEqual([{ user: 'ada' }, { user: 'bert' }])
})

test('sessions without a type take any data', async () => {
  const sess = sessions('memory', { secret: SECRET })
  const exchange = sess.exchange(await cookieFor(sess, { any: [1] }), { https: false })
  expect({ ...(await exchange.open()) }).toEqual({ any: [1] })
})

describe('it rejects with the error that a request would get', () => {
  test('DISABLED if sessions are off', async () => {
    const off: Sessions<Visitor> = sessions(false)
    expect((await failureOf(cookieFor(off, ADA))).code).toBe('DISABLED')
  })

  test('UNAVAILABLE if the store is down', async () => {
    const store = new FailingStore()
    store.failing.add('create')
    expect((await failureOf(cookieFor(sessions(store, { secret: SECRET }), { user: 'ada' }))).code).toBe('UNAVAILABLE')
  })

  test('TOO_LARGE, RESERVED_KEY and INVALID_VALUE for the data', async () => {
    const sess = sessions('cookie', { secret: SECRET })
    const codes = [{ text: 'x'.repeat(9999) }, { save: 1 }, { when: new Date() }].map(async (data) => {
      const rejection = await failureOf(Reflect.apply(cookieFor, undefined, [sess, data]))
      return rejection.code
    })
    expect(await Promise.all(codes)).toEqual(['TOO_LARGE', 'RESERVED_KEY', 'INVALID_VALUE'])
  })
})
