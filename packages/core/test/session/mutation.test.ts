import type { AnyData, Session } from '@sess/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { begin, type Handler } from '../support/arrival.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { thrownBy } from '../support/failure.ts'

const DATA = { cart: ['book', 'pen'], address: { city: 'London', lines: ['1 Road'] }, visits: 1 }

interface Altered {
  readonly cart: string[]
  readonly address: { city?: string; lines: unknown[]; zip?: string }
}

/** The values that a session hands out, typed so that they can be altered. */
function altered(session: Session<AnyData>): Altered {
  const { cart, address } = session
  return Object({ cart, address })
}

const count = (value: unknown): number => (typeof value === 'number' ? value + 1 : 1)

describe('an object that a session handed out', () => {
  test.each<[string, (session: Altered) => unknown, object]>([
    ['an array by push', ({ cart }) => cart.push('ink'), { cart: ['book', 'pen', 'ink'] }],
    ['an array by splice', ({ cart }) => cart.splice(0, 1, 'map'), { cart: ['map', 'pen'] }],
    ['an array by its length', ({ cart }) => (cart.length = 0), { cart: [] }],
    ['an array by index', ({ cart }) => (cart[0] = 'map'), { cart: ['map', 'pen'] }],
    ['a property', ({ address }) => (address.city = 'Paris'), { address: { ...DATA.address, city: 'Paris' } }],
    ['a new property', ({ address }) => (address.zip = 'N1'), { address: { ...DATA.address, zip: 'N1' } }],
    ['a property by delete', ({ address }) => delete address.city, { address: { lines: ['1 Road'] } }],
    [
      'an array in an object',
      ({ address }) => address.lines.push('x'),
      { address: { city: 'London', lines: ['1 Road', 'x'] } },
    ],
  ])('is stored as it was altered: %s', async (_, alter, expected) => {
    const { browser } = await begin(DATA)
    await browser.visit((session) => alter(altered(session)))
    expect(await browser.see()).toEqual({ ...DATA, ...expected })
  })

  test('and was not altered costs no write', async () => {
    const { store, browser } = await begin(DATA)
    store.take()
    await browser.visit((session) => JSON.stringify([session['cart'], session['address']]))
    expect(store.methods).toEqual(['read'])
  })

  test('and was altered and put back costs no write', async () => {
    const { store, browser } = await begin(DATA)
    store.take()
    await browser.visit((session) => {
      altered(session).cart.push('ink')
      altered(session).cart.pop()
    })
    expect(store.methods).toEqual(['read'])
  })

  test('is the same one at every access', async () => {
    const { arrive } = await begin(DATA)
    const { session } = await arrive()
    expect(session['cart']).toBe(session['cart'])
    expect({ ...session }['cart']).toBe(session['cart'])
  })

  test('is another one after save(), which is stored as it is altered', async () => {
    const { browser } = await begin(DATA)
    await browser.visit(async (session) => {
      const { cart } = altered(session)
      cart.push('ink')
      await session.save()
      expect(session['cart']).not.toBe(cart)
      altered(session).cart.push('map')
    })
    expect(await browser.see()).toEqual({ ...DATA, cart: ['book', 'pen', 'ink', 'map'] })
  })

  test('is the same one after a save() that stored nothing', async () => {
    const { arrive } = await begin(DATA)
    const { session } = await arrive()
    const { cart } = session
    await session.save()
    expect(session['cart']).toBe(cart)
  })

  test('is stored under both keys that it was assigned to', async () => {
    const { browser } = await begin(DATA)
    await browser.visit((session) => {
      session['saved'] = session['cart']
      altered(session).cart.push('ink')
    })
    const cart = ['book', 'pen', 'ink']
    expect(await browser.see()).toEqual({ ...DATA, cart, saved: cart })
  })

  test('is not the one of another request', async () => {
    const { browser, arrive } = await begin(DATA)
    const { session } = await arrive()
    altered(session).cart.push('ink')
    expect(await browser.see()).toEqual(DATA)
  })

  test.each<[string, Handler]>([
    ['replaced', (session) => (session['cart'] = ['map'])],
    ['removed', (session) => delete session['cart']],
    ['taken', (session) => session.take('cart')],
    ['updated to another', (session) => session.update('cart', () => ['map'])],
  ])('is no longer stored once it was %s', async (_, replace) => {
    const { browser, copy } = await begin(DATA)
    await browser.visit((session) => {
      const { cart } = altered(session)
      replace(session)
      cart.push('ink')
    })
    const { cart } = await copy().see()
    expect(JSON.stringify(cart ?? null)).not.toContain('ink')
  })

  test('is no longer stored once the session was destroyed', async () => {
    const { browser } = await begin(DATA)
    await browser.visit((session) => {
      const { cart } = altered(session)
      session.destroy()
      cart.push('ink')
      session['user'] = 7
    })
    expect(await browser.see()).toEqual({ user: 7 })
  })

  test('and made into what JSON cannot carry is refused by its path, and nothing is stored', async () => {
    const { browser } = await begin(DATA)
    const visit = browser.visit((session) => {
      altered(session).address.lines.push(new Date(0))
      session['user'] = 7
    })
    const error = await failureOf(visit)
    expect({ code: error.code, message: error.message, data: await browser.see() }).toEqual({
      code: 'INVALID_VALUE',
      message: expect.stringContaining('session["address"].lines[1]'),
      data: DATA,
    })
  })

  test('and made to contain itself is refused', async () => {
    const { browser } = await begin(DATA)
    const visit = browser.visit((session) => {
      const { address } = altered(session)
      address.lines.push(address)
    })
    expect((await failureOf(visit)).code).toBe('INVALID_VALUE')
  })
})

describe('an object that was assigned', () => {
  test('is stored as it was altered afterwards', async () => {
    const { browser } = await begin(DATA)
    await browser.visit((session) => {
      const list = ['a']
      session['list'] = list
      list.push('b')
      expect(session['list']).toBe(list)
    })
    expect(await browser.see()).toEqual({ ...DATA, list: ['a', 'b'] })
  })

  test('is stored as altered, with any values that JSON can carry', async () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue())
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.tuple(object, object),
          object.map((one) => [one, one]),
        ),
        async ([one = {}, other = {}]) => {
          const { browser } = await begin(DATA)
          const given = { inner: { ...one } }
          await browser.visit((session) => {
            Reflect.set(session, 'given', given)
            for (const key of Object.keys(given.inner)) Reflect.deleteProperty(given.inner, key)
            Object.defineProperties(given.inner, Object.getOwnPropertyDescriptors(other))
          })
          expect(await browser.see()).toStrictEqual({ ...DATA, given: { inner: JSON.parse(JSON.stringify(other)) } })
        },
      ),
    )
  })

  test('is stored with its keys in the order that they were put into', async () => {
    const { browser } = await begin(DATA)
    const given: { one?: number; two: number } = { one: 1, two: 2 }
    await browser.visit((session) => {
      session['given'] = given
      delete given.one
      given.one = 1
    })
    expect(JSON.stringify((await browser.see())['given'])).toBe('{"two":2,"one":1}')
  })

  test('is left as it was given', async () => {
    const { browser } = await begin(DATA)
    const given = Object.freeze({ list: Object.freeze(['a']) })
    await browser.visit((session) => Object.assign(session, { given }))
    expect(await browser.see()).toEqual({ ...DATA, given: { list: ['a'] } })
    expect(given).toEqual({ list: ['a'] })
  })

  test('and altered after the response is not stored', async () => {
    const { arrive, browser } = await begin(DATA)
    const { session, answer } = await arrive()
    const list = ['a']
    session['list'] = list
    const answered = answer()
    list.push('b')
    await answered
    expect(await browser.see()).toEqual({ ...DATA, list: ['a'] })
  })
})

describe.each<[string, (session: Session<AnyData>) => unknown]>([
  ['that was read', (session) => session['cart']],
  [
    'that was read and altered',
    (session) => {
      altered(session).cart.push('ink')
      return session['cart']
    },
  ],
  ['that was assigned', (session) => (session['cart'] = ['map'])],
  [
    'that was assigned and read',
    (session) => {
      session['cart'] = ['map']
      return session['cart']
    },
  ],
  ['that an update returned', (session) => session.update('cart', (cart) => cart ?? null)],
  ['that came with a copy', (session) => ({ ...session })['cart']],
])('an array %s before a save()', (_, get) => {
  const saved = async () => {
    const begun = await begin(DATA)
    const arrival = await begun.arrive()
    const cart: string[] = Object(get(arrival.session))
    arrival.session['visits'] = 2
    await arrival.session.save()
    const stored = await begun.copy().see()
    return { ...begun, ...arrival, cart, stored }
  }

  test.each<[string, (cart: string[]) => unknown]>([
    ['push', (cart) => cart.push('late')],
    ['its length', (cart) => (cart.length = 0)],
    ['what JSON cannot carry', (cart) => cart.push(Object(new Date(0)))],
  ])('and altered after it, by %s, is a CONFLICT, and nothing is stored', async (_how, alter) => {
    const { session, cart, answer, stored, copy } = await saved()
    alter(cart)
    session['visits'] = 3
    const { code, message } = await failureOf(answer())
    expect({ code, message, data: await copy().see() }).toEqual({
      code: 'CONFLICT',
      message: expect.stringContaining('session["cart"]'),
      data: stored,
    })
  })

  test('and altered after it makes another save() fail', async () => {
    const { session, cart } = await saved()
    cart.push('late')
    expect((await failureOf(session.save())).code).toBe('CONFLICT')
  })

  test('and altered and put back is no change', async () => {
    const { store, cart, answer } = await saved()
    cart.push('late')
    cart.pop()
    store.take()
    await answer()
    expect(store.methods).toEqual([])
  })

  test('and altered after the key was replaced is not stored', async () => {
    const { session, cart, answer, copy } = await saved()
    session['cart'] = ['new']
    cart.push('late')
    await answer()
    expect((await copy().see())['cart']).toEqual(['new'])
  })

  test('and assigned again may be altered again', async () => {
    const { session, cart, answer, copy } = await saved()
    session['cart'] = cart
    cart.push('late')
    await answer()
    expect((await copy().see())['cart']).toEqual(cart)
  })

  test('and altered after it is not stored by a response that failed', async () => {
    const { cart, answer, stored, copy } = await saved()
    cart.push('late')
    await answer(500)
    expect(await copy().see()).toEqual(stored)
  })

  test('and altered after a logout is not stored', async () => {
    const { session, cart, answer, next } = await saved()
    session.destroy()
    cart.push('late')
    session['user'] = 7
    await answer()
    expect(await next()).toEqual({ user: 7 })
  })
})

test('an array that was taken before a save() is the application’s own', async () => {
  const { browser } = await begin(DATA)
  await browser.visit(async (session) => {
    const cart: string[] = Object(session.take('cart'))
    await session.save()
    cart.push('late')
  })
  expect(await browser.see()).toEqual({ address: DATA.address, visits: 1 })
})

describe('an update', () => {
  test('returns the value that the session then has', async () => {
    const { arrive } = await begin(DATA)
    const { session } = await arrive()
    expect([session.update('visits', count), session['visits']]).toEqual([2, 2])
  })

  test.each<[string, Handler, object]>([
    [
      'of an array that its function alters and returns',
      (session) =>
        session.update('cart', (cart) => {
          Object(cart).push('ink')
          return cart
        }),
      { ...DATA, cart: ['book', 'pen', 'ink'] },
    ],
    [
      'twice',
      (session) => {
        session.update('visits', count)
        session.update('visits', count)
      },
      { ...DATA, visits: 3 },
    ],
    [
      'of what was assigned',
      (session) => {
        session['visits'] = 10
        session.update('visits', count)
      },
      { ...DATA, visits: 11 },
    ],
    [
      'of what was removed',
      (session) => {
        delete session['visits']
        session.update('visits', count)
      },
      { ...DATA, visits: 1 },
    ],
    [
      'of what was altered',
      (session) => {
        altered(session).cart.push('ink')
        session.update('cart', (cart) => [...Object(cart), 'map'])
      },
      { ...DATA, cart: ['book', 'pen', 'ink', 'map'] },
    ],
    [
      'whose result is altered',
      (session) => {
        session.update('cart', () => ['map'])
        altered(session).cart.push('ink')
      },
      { ...DATA, cart: ['map', 'ink'] },
    ],
    [
      'after which the key is assigned',
      (session) => {
        session.update('visits', count)
        session['visits'] = 10
      },
      { ...DATA, visits: 10 },
    ],
    [
      'after which the key is taken',
      (session) => {
        session.update('cart', () => ['map'])
        session.take('cart')
      },
      { address: DATA.address, visits: 1 },
    ],
  ])('is stored: %s', async (_, handler, expected) => {
    const { browser } = await begin(DATA)
    await browser.visit(handler)
    expect(await browser.see()).toEqual(expected)
  })

  test('whose function alters its argument and then throws has altered nothing', async () => {
    const { browser } = await begin(DATA)
    const failed = new Error('failed')
    await browser.visit((session) => {
      const fail = () =>
        session.update('cart', (cart) => {
          Object(cart).push('ink')
          throw failed
        })
      expect(fail).toThrow(failed)
    })
    expect(await browser.see()).toEqual(DATA)
  })

  test('whose function alters its argument and returns another has altered nothing else', async () => {
    const { browser } = await begin(DATA)
    await browser.visit((session) => {
      const { cart } = altered(session)
      session.update('cart', (given) => {
        Object(given).push('ink')
        return ['map']
      })
      expect(cart).toEqual(['book', 'pen'])
    })
    expect(await browser.see()).toEqual({ ...DATA, cart: ['map'] })
  })

  test.each<[string, () => unknown, string]>([
    ['a Date', () => new Date(0), 'is an instance of Date'],
    ['a promise, as async functions do', () => Promise.resolve(1), 'is an instance of Promise'],
    ['NaN', () => Number.NaN, 'is NaN'],
    ['a function', () => count, 'is a function'],
    ['a bigint', () => 1n, 'is a bigint'],
  ])('whose function returns %s is INVALID_VALUE, and changes nothing', async (_, change, message) => {
    const { browser } = await begin(DATA)
    await browser.visit((session) => {
      const error = thrownBy(() => Reflect.apply(session.update, undefined, ['visits', change]))
      expect({ code: error.code, message: error.message }).toEqual({
        code: 'INVALID_VALUE',
        message: expect.stringContaining(`session["visits"] ${message}`),
      })
    })
    expect(await browser.see()).toEqual(DATA)
  })
})

describe('a take', () => {
  test('returns the value, which is gone', async () => {
    const { browser } = await begin(DATA)
    expect(await browser.visit((session) => session.take('cart'))).toEqual(['book', 'pen'])
    expect(await browser.see()).not.toHaveProperty('cart')
  })

  test('returns the object that was handed out before', async () => {
    const { arrive } = await begin(DATA)
    const { session } = await arrive()
    const { cart } = session
    expect(session.take('cart')).toBe(cart)
  })

  test('of nothing returns undefined and costs no write', async () => {
    const { store, browser } = await begin(DATA)
    store.take()
    expect(await browser.visit((session) => session.take('nothing'))).toBeUndefined()
    expect(store.methods).toEqual(['read'])
  })

  test('returns what was assigned in the same request', async () => {
    const { arrive } = await begin(DATA)
    const { session } = await arrive()
    session['notice'] = 'hello'
    expect([session.take('notice'), session.take('notice')]).toEqual(['hello', undefined])
  })
})
