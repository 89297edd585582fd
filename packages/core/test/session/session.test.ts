import { inspect } from 'node:util'
import type { AnyData, Session } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { begin, beginOn, type Handler } from '../support/arrival.ts'
import { FailingStore } from '../support/failing-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { thrownBy } from '../support/failure.ts'

const DATA = { user: 7, name: 'Ada', cart: ['book', 'pen'], address: { city: 'London' } }
const METHODS = ['update', 'take', 'regenerate', 'destroy', 'save'] as const

async function openOn(data: object): Promise<Session<AnyData>> {
  const { arrive: request } = await begin(data)
  return (await request()).session
}

describe('a session is read like a hash:', () => {
  test.each<[string, (session: Session<AnyData>) => unknown, unknown]>([
    ['a property', (session) => session['user'], 7],
    ['a property that is not there', (session) => session['nobody'], undefined],
    ['a property of an object', (session) => Reflect.get(Object(session['address']), 'city'), 'London'],
    ['JSON.stringify', (session) => JSON.parse(JSON.stringify(session)), DATA],
    [
      'JSON.stringify of an object that contains it',
      (session) => JSON.parse(JSON.stringify({ session })),
      { session: DATA },
    ],
    ['spread', (session) => ({ ...session }), DATA],
    ['Object.assign to another', (session) => Object.assign({}, session), DATA],
    ['Object.keys', (session) => Object.keys(session), Object.keys(DATA)],
    ['Object.values', (session) => Object.values(session), Object.values(DATA)],
    ['Object.entries', (session) => Object.entries(session), Object.entries(DATA)],
    ['Object.fromEntries of its entries', (session) => Object.fromEntries(Object.entries(session)), DATA],
    ['Reflect.ownKeys', (session) => Reflect.ownKeys(session), Object.keys(DATA)],
    [
      'for-in',
      (session) => {
        const keys: string[] = []
        for (const key in session) keys.push(key)
        return keys
      },
      Object.keys(DATA),
    ],
    [
      'destructuring',
      ({ user, nobody = 'a default', ...rest }) => ({ user, nobody, rest }),
      {
        user: 7,
        nobody: 'a default',
        rest: { name: 'Ada', cart: ['book', 'pen'], address: { city: 'London' } },
      },
    ],
    ['in', (session) => ['user' in session, 'nobody' in session], [true, false]],
    ['Object.hasOwn', (session) => [Object.hasOwn(session, 'user'), Object.hasOwn(session, 'nobody')], [true, false]],
    ['structuredClone of its copy', (session) => structuredClone({ ...session }), DATA],
    ['Array methods of a value', (session) => [...Object(session['cart'])].map(String), ['book', 'pen']],
    ['Object.prototype.toString', (session) => Object.prototype.toString.call(session), '[object Object]'],
    ['typeof', (session) => typeof session, 'object'],
  ])('%s', async (_, read, expected) => {
    expect(read(await openOn(DATA))).toEqual(expected)
  })

  test.each<[string, Handler, object]>([
    ['an assignment', (session) => (session['user'] = 8), { ...DATA, user: 8 }],
    ['a new key, which comes last', (session) => (session['z'] = 1), { ...DATA, z: 1 }],
    [
      'an array that was altered',
      (session) => Object(session['cart']).push('ink'),
      { ...DATA, cart: ['book', 'pen', 'ink'] },
    ],
    ['an update', (session) => session.update('user', () => 9), { ...DATA, user: 9 }],
    ['Object.assign', (session) => Object.assign(session, { user: 1, name: 'Bob' }), { ...DATA, user: 1, name: 'Bob' }],
  ])('it shows its own changes: %s', async (_, change, expected) => {
    const session = await openOn(DATA)
    change(session)
    expect(JSON.stringify(session)).toBe(JSON.stringify(expected))
  })

  test.each<[string, Handler]>([
    ['delete', (session) => delete session['user']],
    ['undefined', (session) => (session['user'] = undefined)],
    ['null', (session) => Reflect.set(session, 'user', null)],
    ['Reflect.deleteProperty', (session) => Reflect.deleteProperty(session, 'user')],
    ['take', (session) => session.take('user')],
    ['an update that returns undefined', (session) => session.update('user', () => undefined)],
    ['an update that returns null', (session) => session.update('user', () => null)],
  ])('it is without a key that was removed by %s', async (_, remove) => {
    const { browser, arrive: request } = await begin(DATA)
    const { session, answer } = await request()
    remove(session)
    const { user: _user, ...rest } = DATA
    expect({ shown: { ...session }, in: 'user' in session, got: session['user'] }).toEqual({
      shown: rest,
      in: false,
      got: undefined,
    })
    await answer()
    expect(await browser.see()).toEqual(rest)
  })

  test('what was removed and assigned again is there', async () => {
    const session = await openOn(DATA)
    delete session['user']
    session['user'] = 8
    expect(session['user']).toBe(8)
  })
})

describe('its methods', () => {
  test('are not among its keys', async () => {
    const session = await openOn(DATA)
    expect({ keys: Object.keys(session), own: METHODS.filter((name) => Object.hasOwn(session, name)) }).toEqual({
      keys: Object.keys(DATA),
      own: [],
    })
  })

  test('are found by in', async () => {
    const session = await openOn(DATA)
    expect(METHODS.filter((name) => !(name in session))).toEqual([])
  })

  test('are the same ones at every access', async () => {
    const session = await openOn(DATA)
    expect(session.update).toBe(session.update)
  })

  test('work without the session before the dot', async () => {
    const { browser, arrive: request } = await begin(DATA)
    const { session, answer, next } = await request()
    const { update, take, save, regenerate } = session
    update('user', () => 8)
    take('name')
    regenerate()
    await save()
    await answer()
    expect([await browser.see(), await next()]).toEqual([DATA, { user: 8, cart: DATA.cart, address: DATA.address }])
  })

  test('destroy works without the session before the dot', async () => {
    const { store, arrive: request } = await begin(DATA)
    const { session, answer } = await request()
    const { destroy } = session
    destroy()
    await answer()
    expect(await store.drain()).toBe(0)
  })

  test.each(METHODS)('%s is no key to assign', async (name) => {
    const session = await openOn(DATA)
    expect(thrownBy(() => Reflect.set(session, name, 1)).code).toBe('RESERVED_KEY')
  })

  test.each(METHODS)('%s is no key to delete', async (name) => {
    const session = await openOn(DATA)
    expect(thrownBy(() => Reflect.deleteProperty(session, name)).code).toBe('RESERVED_KEY')
  })

  test.each(METHODS)('%s is no key to update or take', async (name) => {
    const session = await openOn(DATA)
    const update = () => Reflect.apply(session.update, undefined, [name, () => 1])
    const take = () => Reflect.apply(session.take, undefined, [name])
    expect([thrownBy(update).code, thrownBy(take).code]).toEqual(['RESERVED_KEY', 'RESERVED_KEY'])
  })

  test('are named by the error', async () => {
    const session = await openOn(DATA)
    const { message } = thrownBy(() => Object.assign(session, { save: 1 }))
    expect(message).toBe("'save' is a method of every session: choose another key.")
  })
})

describe('it has nothing but its keys:', () => {
  test('no prototype', async () => {
    expect(Object.getPrototypeOf(await openOn(DATA))).toBeNull()
  })

  test.each([
    'toString',
    'valueOf',
    'hasOwnProperty',
    'constructor',
    '__proto__',
    'then',
    'toJSON',
    'prototype',
    'length',
  ])('no %s that it was not given', async (key) => {
    const session = await openOn(DATA)
    expect({ got: session[key], in: key in session, own: Object.hasOwn(session, key) }).toEqual({
      got: undefined,
      in: false,
      own: false,
    })
  })

  test.each([
    'then',
    'toJSON',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'length',
    '',
    '0',
    ' ',
    'é',
    '\0',
  ])('the key %j is one like any other', async (key) => {
    const { arrive: request } = await begin({ first: 1 })
    const { session, answer, next } = await request()
    session[key] = 'a value'
    const shown = (data: object) => Object.entries(data).find(([name]) => name === key)?.[1]
    const seen = [session[key], shown(session), shown({ ...session }), shown(JSON.parse(JSON.stringify(session)))]
    await answer()
    expect([...seen, shown(await next())]).toEqual(Array.from({ length: 5 }, () => 'a value'))
  })

  test('it can be awaited, also with a key named then', async () => {
    const session = await openOn(JSON.parse('{ "then": "a value" }'))
    expect(await Promise.resolve(session)).toBe(session)
  })

  test('it is stringified with a key named toJSON', async () => {
    const session = await openOn({ user: 7, toJSON: 'a value' })
    expect(JSON.parse(JSON.stringify(session))).toEqual({ user: 7, toJSON: 'a value' })
  })

  test('symbols read as undefined and are no keys', async () => {
    const session = await openOn(DATA)
    const symbol = Symbol('a symbol')
    expect({
      got: Reflect.get(session, symbol),
      in: symbol in session,
      own: Object.getOwnPropertySymbols(session),
    }).toEqual({
      got: undefined,
      in: false,
      own: [],
    })
  })

  test('two sessions share nothing', async () => {
    const { arrive: request } = await begin(DATA)
    const [one, other] = [await request(), await request()]
    one.session['user'] = 8
    Object(one.session['cart']).push('ink')
    expect({ ...other.session }).toEqual(DATA)
  })
})

describe('it cannot be', () => {
  test.each<[string, (session: Session<AnyData>) => unknown, string]>([
    [
      'assigned a symbol',
      (session) => Reflect.set(session, Symbol('a symbol'), 1),
      'The keys of a session are strings.',
    ],
    [
      'rid of a symbol',
      (session) => Reflect.deleteProperty(session, Symbol('a symbol')),
      'The keys of a session are strings.',
    ],
    ['given a getter', (session) => Object.defineProperty(session, 'user', { get: () => 1 }), 'assign the value'],
    ['given a hidden value', (session) => Object.defineProperty(session, 'user', { value: 1 }), 'assign the value'],
    ['given a prototype', (session) => Object.setPrototypeOf(session, {}), 'has no prototype'],
    ['rid of a prototype', (session) => Object.setPrototypeOf(session, null), 'has no prototype'],
    ['frozen', (session) => Object.freeze(session), 'copy it'],
    ['sealed', (session) => Object.seal(session), 'copy it'],
    ['kept from new keys', (session) => Object.preventExtensions(session), 'copy it'],
    [
      'updated under a symbol',
      (session) => Reflect.apply(session.update, undefined, [Symbol('s'), () => 1]),
      'keys of a session are strings',
    ],
    [
      'updated without a function',
      (session) => Reflect.apply(session.update, undefined, ['user', 8]),
      'a function of its value',
    ],
    [
      'taken from without a key',
      (session) => Reflect.apply(session.take, undefined, []),
      'keys of a session are strings',
    ],
  ])('%s', async (_, act, message) => {
    const session = await openOn(DATA)
    const error = thrownBy(() => act(session))
    expect({ code: error.code, message: error.message }).toEqual({
      code: 'INVALID_VALUE',
      message: expect.stringContaining(message),
    })
    expect({ ...session }).toEqual(DATA)
  })
})

describe('inspected, it shows its keys and none of its values:', () => {
  const SECRET_DATA = { user: 'a secret name', cart: [{ title: 'a secret book' }] }
  test.each<[string, (session: Session<AnyData>) => string]>([
    ['inspect', (session) => inspect(session)],
    ['inspect at any depth, hidden properties too', (session) => inspect(session, { depth: 99, showHidden: true })],
    ['inspect of what is behind a Proxy', (session) => inspect(session, { depth: 99, showProxy: true })],
    ['inspect without custom inspection', (session) => inspect(session, { depth: 99, customInspect: false })],
    ['inspect of an object that contains it', (session) => inspect({ request: { session } }, { depth: 99 })],
    [
      'inspect of an error with it as the cause',
      (session) => inspect(new Error('failed', { cause: session }), { depth: 99 }),
    ],
  ])('%s', async (_, show) => {
    expect(show(await openOn(SECRET_DATA))).not.toContain('a secret')
  })

  test('as console.log does', async () => {
    expect(inspect(await openOn(SECRET_DATA))).toBe("Session { 'user': [hidden], 'cart': [hidden] }")
  })

  test('and that is no read, which a later assignment would rest on', async () => {
    const { arrive: request, copy, browser } = await begin(DATA)
    const { session, answer } = await request()
    inspect(session)
    session['user'] = 8
    await copy().visit((other) => (other['user'] = 9))
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, user: 8 })
  })
})

describe('opened', () => {
  test('by many callers at once, it is loaded once and is one', async () => {
    const { store, sess, browser } = await begin(DATA)
    store.take()
    const exchange = sess.exchange(browser.cookie)
    const all = await Promise.all(Array.from({ length: 100 }, () => exchange.open()))
    expect({ distinct: new Set(all).size, calls: store.methods }).toEqual({ distinct: 1, calls: ['read'] })
  })

  test('again after a failure, it is loaded again', async () => {
    const { store, sess, browser } = await beginOn(new FailingStore(), DATA)
    const exchange = sess.exchange(browser.cookie)
    store.failing.add('read')
    const { code } = await failureOf(exchange.open())
    store.failing.clear()
    expect({ code, data: { ...(await exchange.open()) } }).toEqual({ code: 'UNAVAILABLE', data: DATA })
  })

  test('and awaited, it is not used: the response varies by no cookie', async () => {
    const { arrive: request } = await begin(DATA)
    const { session, answer } = await request()
    await Promise.resolve(session)
    expect(await answer()).toEqual([])
  })
})
