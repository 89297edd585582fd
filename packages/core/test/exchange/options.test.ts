import { type ExchangeOptions, type Session, type SessionCookie, type Sessions, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { Clock, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'

interface Visitor {
  user: string
  cart: string[]
}

const COMPONENT = 'A component cannot change the session: do it in an action.'

/** Sessions, and the cookie of one that holds a cart and a user. */
async function application(store = new CountedStore()) {
  const clock = new Clock()
  const sess: Sessions<Visitor> = sessions(store, { secret: SECRET, clock: clock.read })
  const exchange = sess.exchange('')
  Object.assign(await exchange.open(), { user: 'ada', cart: ['emma'] })
  await exchange.commit(200)
  const { name, value } = exchange.cookie ?? { name: '', value: '' }
  store.calls.length = 0
  return { sess, clock, store, cookie: `${name}=${value}` }
}

describe('the option readOnly', () => {
  test.each<readonly [string, (session: Session<Visitor>) => unknown]>([
    ['an assignment', (session) => (session.user = 'grace')],
    ['a removal', (session) => delete session.user],
    ['a change in place', (session) => session.cart?.push('persuasion')],
    ['update', (session) => session.update('user', () => 'grace')],
    ['take', (session) => session.take('user')],
    ['regenerate', (session) => session.regenerate()],
    ['destroy', (session) => session.destroy()],
  ])('refuses %s with its message, and nothing changes', async (_, change) => {
    const { sess, store, cookie } = await application()
    const exchange = sess.exchange(cookie, { readOnly: COMPONENT })
    const session = await exchange.open()
    expect(() => change(session)).toThrow(expect.objectContaining({ code: 'READ_ONLY', message: COMPONENT }))
    expect({ ...session }).toEqual({ user: 'ada', cart: ['emma'] })
    expect(exchange.pending).toBe(false)
    await exchange.commit(200)
    expect(store.methods).toEqual(['read'])
  })

  test('leaves an extension that is due to commit', async () => {
    const { sess, clock, store, cookie } = await application()
    clock.advance(12 * HOUR)
    const exchange = sess.exchange(cookie, { readOnly: COMPONENT })
    await exchange.open()
    expect(exchange.pending).toBe(true)
    expect(exchange.needsCookie).toBe(false)
    await exchange.commit(200)
    expect(store.methods).toEqual(['read', 'update'])
  })
})

describe('changed', () => {
  test('is not said of an extension, and is said of a change until it is stored', async () => {
    const { sess, clock, cookie } = await application()
    clock.advance(12 * HOUR)
    const exchange = sess.exchange(cookie)
    const session = await exchange.open()
    expect([exchange.pending, exchange.changed]).toEqual([true, false])
    session.user = 'grace'
    expect(exchange.changed).toBe(true)
    await session.save()
    expect(exchange.changed).toBe(false)
  })
})

describe('the option onStored', () => {
  const visit = async (cookie: string, { sess }: Awaited<ReturnType<typeof application>>, on: ExchangeOptions = {}) => {
    const told: (SessionCookie | undefined)[] = []
    const exchange = sess.exchange(cookie, { ...on, onStored: (given) => void told.push(given) })
    return { exchange, session: await exchange.open(), told }
  }

  test('is told the cookie of a save when it is stored, and not before', async () => {
    const { exchange, session, told } = await visit('', await application())
    session.user = 'ada'
    expect(told).toEqual([])
    await session.save()
    expect(told).toEqual([exchange.cookie])
    expect(told[0]?.value).toHaveLength(64)
  })

  test('is told the cookie that a commit sets, and the one of a logout', async () => {
    const app = await application()
    const { exchange, session, told } = await visit(app.cookie, app)
    session.destroy()
    await exchange.commit(200)
    expect(told).toEqual([expect.objectContaining({ value: '', maxAge: 0 })])
  })

  test('is called without a cookie where none is to be set', async () => {
    const app = await application()
    const { exchange, session, told } = await visit(app.cookie, app)
    session.user = 'grace'
    await exchange.commit(200)
    expect(told).toEqual([undefined])
  })

  test('is not called where nothing is stored', async () => {
    const app = await application()
    const { exchange, session, told } = await visit(app.cookie, app)
    expect(session.user).toBe('ada')
    await session.save()
    await exchange.commit(200)
    expect(told).toEqual([])
  })

  test('makes save reject with what it throws', async () => {
    const { sess } = await application()
    const late = new Error('Too late for a cookie.')
    const exchange = sess.exchange('', {
      onStored: () => {
        throw late
      },
    })
    const session = await exchange.open()
    session.user = 'ada'
    await expect(session.save()).rejects.toBe(late)
  })
})
