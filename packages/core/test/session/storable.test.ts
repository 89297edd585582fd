import { runInNewContext } from 'node:vm'
import cookie from '@sess/adapter-cookie'
import { type AnyData, type Session, sessions } from '@sess/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { thrownBy } from '../support/failure.ts'
import { SECRET } from '../support/secret.ts'

const KINDS: readonly (readonly [kind: string, browse: () => Browser])[] = [
  ['memory', () => new Browser(sessions(new CountedStore(), { secret: SECRET }))],
  ['cookie', () => new Browser(sessions(cookie, { secret: SECRET }))],
]

function nested(levels: number): unknown {
  let value: unknown = 'core'
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { of: value }
  return value
}

function cyclic(): unknown {
  const list: unknown[] = []
  list.push({ list })
  return list
}

function withProperty(target: object, key: string, property: PropertyDescriptor): unknown {
  return Object.defineProperty(target, key, { configurable: true, enumerable: true, ...property })
}

function throwing(trap: 'get' | 'ownKeys' | 'getOwnPropertyDescriptor' | 'getPrototypeOf'): unknown {
  const fail = () => {
    throw new TypeError('no')
  }
  // The `get` trap never runs: values are read from property descriptors.
  return new Proxy({ a: 1 }, { [trap]: fail })
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

class Money {
  readonly amount = 1
}
class List extends Array<number> {}
const Nameless = (() => class extends Money {})()

// oxlint-disable-next-line no-sparse-arrays -- A sparse array is what the test refuses.
const SPARSE: unknown[] = [, 1]

const SHARED = { a: 1 }

const fail = (): never => {
  throw new Error('was run')
}

/** Values that JSON would drop, change or refuse, and part of the error message. */
const REFUSED: readonly (readonly [what: string, value: unknown, says: string])[] = [
  ['NaN', Number.NaN, 'session["key"] is NaN'],
  ['Infinity', Infinity, 'session["key"] is Infinity'],
  ['a bigint', 1n, 'session["key"] is a bigint'],
  ['a symbol', Symbol('s'), 'session["key"] is a symbol'],
  ['a function', () => 1, 'session["key"] is a function'],
  ['a class', Money, 'session["key"] is a function'],
  ['undefined in an object', { a: { b: undefined } }, 'session["key"].a.b is undefined'],
  ['undefined in an array', ['x', undefined], 'session["key"][1] is undefined'],
  ['NaN far within', { a: [{ 'b c': Number.NaN }] }, 'session["key"].a[0]["b c"] is NaN'],
  ['a function far within', [[{ toJSON: () => 1 }]], 'session["key"][0][0].toJSON is a function'],
  ['a Date', new Date(0), 'session["key"] is an instance of Date'],
  ['a Map', { map: new Map() }, 'session["key"].map is an instance of Map'],
  ['a Set', [new Set()], 'session["key"][0] is an instance of Set'],
  ['a RegExp', /x/, 'session["key"] is an instance of RegExp'],
  ['an Error', new RangeError('x'), 'session["key"] is an instance of RangeError'],
  ['an instance of a class', new Money(), 'session["key"] is an instance of Money'],
  ['an instance without a name', new Nameless(), 'session["key"] is an instance of a class'],
  [
    'an instance of a class that hides',
    Object.create({ constructor: null }),
    'session["key"] is an instance of a class',
  ],
  ['an object with a prototype', Object.create({ a: 1 }), 'session["key"] is an instance of'],
  ['a Buffer', Buffer.from('x'), 'session["key"] is an instance of Buffer'],
  ['a typed array', new Float64Array(1), 'session["key"] is an instance of Float64Array'],
  ['an ArrayBuffer', new ArrayBuffer(1), 'session["key"] is an instance of ArrayBuffer'],
  ['a URL', new URL('https://example.com'), 'session["key"] is an instance of URL'],
  ['a promise', Promise.resolve(), 'session["key"] is an instance of Promise'],
  ['a boxed number', Object(1), 'session["key"] is an instance of Number'],
  ['a boxed string', Object('x'), 'session["key"] is an instance of String'],
  ['a boxed bigint', Object(1n), 'session["key"] is an instance of BigInt'],
  ['an array with a hole', SPARSE, 'session["key"] is an array with holes'],
  ['an array of holes', Array.from({ length: 1 }).concat(Array(2)), 'session["key"] is an array with holes'],
  ['an array with a property', Object.assign([1], { more: 2 }), 'session["key"] is an array with holes or with named'],
  ['an array with as many properties as holes', Object.assign(SPARSE.slice(), { x: 1 }), 'is an array with holes or'],
  ['an array of a subclass', List.from([1]), 'session["key"] is an instance of List'],
  ['what contains itself', cyclic(), 'session["key"][0].list contains itself'],
  ['501 levels', nested(501), 'is nested more than 500 levels deep'],
  ['ten thousand levels', nested(10_000), 'is nested more than 500 levels deep'],
  ['a symbol as a key', { [Symbol('s')]: 1 }, 'session["key"] has a symbol as a key'],
  ['a hidden property', withProperty({}, 'a', { value: 1, enumerable: false }), 'session["key"] hides its property a'],
  ['a getter', withProperty({}, 'a', { get: () => 1 }), 'session["key"] has a getter or setter for a'],
  ['a getter that throws', { in: withProperty({}, 'a', { get: fail }) }, 'session["key"].in has a getter or setter'],
  ['a setter', withProperty({}, 'a', { set: () => undefined }), 'session["key"] has a getter or setter for a'],
  ['a getter in an array', withProperty([1], '0', { get: fail }), 'session["key"] has a getter or setter for 0'],
  ['a Proxy without keys', throwing('ownKeys'), 'session["key"] is a Proxy that cannot be read'],
  ['a Proxy without values', { p: throwing('getOwnPropertyDescriptor') }, 'session["key"].p is a Proxy that cannot'],
  ['a Proxy without a prototype', [throwing('getPrototypeOf')], 'session["key"][0] is a Proxy that cannot be read'],
  ['a revoked Proxy', revoked({}), 'session["key"] is a Proxy that cannot be read'],
  ['a revoked Proxy of an array', revoked([]), 'session["key"] is a Proxy that cannot be read'],
  ['a module', Math, 'session["key"]'],
  ['a Date of another realm', runInNewContext('new Date(0)'), 'session["key"] is an instance of Date'],
  ['an instance of another realm', runInNewContext('new (class Foreign {})'), 'is an instance of Foreign'],
  ['an array of a subclass of another realm', runInNewContext('new (class L extends Array {})'), 'is an instance of L'],
]

describe('a value that JSON cannot carry unaltered', () => {
  test.each(REFUSED)('is INVALID_VALUE at the assignment, and names the path: %s', async (_, value, says) => {
    const session = await sessions(cookie, { secret: SECRET }).exchange(null).open()
    const { code, message, stack } = thrownBy(() => Reflect.set(session, 'key', value))
    expect(code).toBe('INVALID_VALUE')
    expect(message).toContain(says)
    expect(message.length).toBeLessThan(400)
    expect(stack).toMatch(/storable\.test\.ts:\d+/)
  })

  test.each(REFUSED)('leaves what was there: %s', async (_, value) => {
    const browser = new Browser(sessions(cookie, { secret: SECRET }))
    await browser.visit((session) => {
      session['key'] = 'kept'
      thrownBy(() => Reflect.set(session, 'key', value))
      expect(session['key']).toBe('kept')
    })
    expect(await browser.see()).toEqual({ key: 'kept' })
  })

  test.each(REFUSED)('is INVALID_VALUE as what update returns: %s', async (_, value, says) => {
    const session = await sessions(cookie, { secret: SECRET }).exchange(null).open()
    session['key'] = 'kept'
    const { code, message } = thrownBy(() => Reflect.apply(session.update, session, ['key', () => value]))
    expect({ code, message }).toEqual({ code: 'INVALID_VALUE', message: expect.stringContaining(says) })
    expect(session['key']).toBe('kept')
  })

  test.each<[string, (list: unknown[], record: Record<string | symbol, unknown>) => unknown, string]>([
    ['a Date', (list) => list.push({ when: new Date(0) }), 'session["key"].list[2].when is an instance of Date'],
    ['undefined', (_, record) => (record['a'] = undefined), 'session["key"].record.a is undefined'],
    ['a hole', (list) => Reflect.deleteProperty(list, '0'), 'session["key"].list is an array with holes'],
    ['an array with a property', (list) => Object.assign(list, { more: 2 }), 'session["key"].list is an array with'],
    ['an array with a symbol', (list) => Object.assign(list, { [Symbol('s')]: 2 }), 'session["key"].list is an array'],
    ['a symbol as a key', (_, record) => (record[Symbol('s')] = 1), 'session["key"].record has a symbol as a key'],
    [
      'a hidden property',
      (_, record) => withProperty(record, 'b', { value: 1, enumerable: false }),
      'session["key"].record hides its property b',
    ],
    [
      'a getter',
      (_, record) => withProperty(record, 'b', { get: () => 1 }),
      'session["key"].record has a getter or setter for b',
    ],
    [
      'a getter instead of the value',
      (_, record) => withProperty(record, 'a', { get: () => 2 }),
      'session["key"].record has a getter or setter for a',
    ],
    [
      'a getter that throws',
      (list) => withProperty(list, '0', { get: fail }),
      'session["key"].list has a getter or setter for 0',
    ],
    [
      'an instance',
      (_, record) => Object.setPrototypeOf(record, Money.prototype),
      'session["key"].record is an instance',
    ],
    [
      'an array of a subclass',
      (list) => Object.setPrototypeOf(list, List.prototype),
      'session["key"].list is an instance',
    ],
  ])('is INVALID_VALUE at the commit, where it became that after the assignment: %s', async (_, alter, says) => {
    const store = new CountedStore()
    const list: unknown[] = [1, 'two']
    const record = { a: 1 }
    const visit = new Browser(sessions(store, { secret: SECRET })).visit((session) => {
      Reflect.set(session, 'key', { list, record })
      alter(list, record)
    })
    const { code, message } = await failureOf(visit)
    expect({ code, message }).toEqual({ code: 'INVALID_VALUE', message: expect.stringContaining(says) })
    expect(store.calls).toEqual([])
  })

  test.each(['x'.repeat(10_000), '\u2620'.repeat(10_000), '\ud800', '\0', 'a"b'])(
    'is named by a readable path, even under odd keys',
    async (key) => {
      const session = await sessions(cookie, { secret: SECRET }).exchange(null).open()
      const { message } = thrownBy(() => Reflect.set(session, key, { [key]: [{ [key]: Number.NaN }] }))
      expect(message).toMatch(/^session\["/)
      expect(message).toContain(' is NaN')
      expect(message.length).toBeLessThan(400)
    },
  )
})

describe.each(KINDS)('on the %s store, a value comes back as it was', (_, browse) => {
  test.each<[what: string, value: unknown, asJson?: string]>([
    ['false', false],
    ['zero', 0],
    ['an empty string', ''],
    ['an empty array', []],
    ['an empty object', {}],
    ['null within', { a: null, b: [null] }],
    ['the largest numbers', [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER, 0.1]],
    ['NUL', 'a\0b'],
    ['lone surrogates', ['\ud800', '\udfff', 'a\udc00b', '\udc00\ud800']],
    ['emoji and combining marks', '👩‍👩‍👧‍👦e\u0301'],
    ['line and paragraph separators', '\u2028\u2029\u0085\ufeff'],
    ['quotes, slashes and protocol words', '"\\\'`</script>;=,END\r\n'],
    ['500 levels', nested(500)],
    ['one object twice', Array.from({ length: 3 }, () => SHARED)],
    [
      'keys that mean something elsewhere',
      JSON.parse('{"__proto__":1,"constructor":2,"then":3,"toJSON":4,"length":5,"":6}'),
    ],
    ['keys that look like indices', { 1: 'a', 0: 'b', '-1': 'c', '01': 'd' }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['objects of another realm', runInNewContext('({ a: [1, { b: null }], c: Object.create(null) })')],
    ['a frozen object', Object.freeze({ a: Object.freeze([1]) })],
    ['a Proxy that can be read', new Proxy({ a: new Proxy([1], {}) }, {})],
    ['a Proxy of which only properties can be read', throwing('get'), '{"a":1}'],
  ])('%s', async (_what, value, asJson = JSON.stringify(value)) => {
    const browser = browse()
    await browser.visit((session) => Reflect.set(session, 'key', value))
    expect(JSON.stringify(await browser.see())).toBe(`{"key":${asJson}}`)
  })

  test('any that JSON has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }), async (name, value) => {
        const key = `key ${name}`
        fc.pre(JSON.stringify([key, value]).length < 2000)
        const browser = browse()
        await browser.visit((session) => Reflect.set(session, key, value))
        expect(JSON.stringify(await browser.see())).toBe(JSON.stringify(value === null ? {} : { [key]: value }))
      }),
    )
  })
})

/** Keys that have a meaning elsewhere or need escaping. */
const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'valueOf',
  'then',
  'toJSON',
  'toString',
  'length',
]
const SPELLINGS = ['', ' ', '\0', '\ud800', '\udfff', '👩‍👩‍👧‍👦', '\u2028', '"', '0', 'a.b', 'x'.repeat(2500)]

describe.each(KINDS)('on the %s store, a key is like any other', (_, browse) => {
  test.each([...KEYS, ...SPELLINGS])('%j, in the session', async (key) => {
    const browser = browse()
    await browser.visit((session) => {
      expect(session[key]).toBeUndefined()
      expect(key in session).toBe(false)
      session[key] = 'value'
    })
    await browser.visit(async (session) => {
      expect(await Promise.resolve(session)).toBe(session)
      expect(session[key]).toBe('value')
      expect(key in session).toBe(true)
      expect(Object.keys(session)).toEqual([key])
      expect(Object.entries({ ...session })).toEqual([[key, 'value']])
      expect(JSON.stringify(session)).toBe(JSON.stringify(Object.fromEntries([[key, 'value']])))
      delete session[key]
      expect(key in session).toBe(false)
    })
    expect(Object.keys(await browser.see())).toEqual([])
  })

  test.each([...KEYS, ...SPELLINGS])('%j, in update and take', async (key) => {
    const browser = browse()
    await browser.visit((session) => session.update(key, (value) => [value ?? null]))
    expect(await browser.visit((session) => session.update(key, (value) => [value ?? null]))).toEqual([[null]])
    expect(await browser.visit((session) => session.take(key))).toEqual([[null]])
    expect(Object.keys(await browser.see())).toEqual([])
  })

  test.each([...KEYS, ...SPELLINGS])('%j, within a value', async (key) => {
    const browser = browse()
    const text = JSON.stringify({ of: Object.fromEntries([[key, { x: 1 }]]) })
    await browser.visit((session) => Object.assign(session, JSON.parse(text)))
    expect(JSON.stringify(await browser.see())).toBe(text)
  })
})

test('a key of 10 kB is like any other where the store takes it', async () => {
  const key = 'x'.repeat(10_000)
  const browser = new Browser(sessions(new CountedStore(), { secret: SECRET }))
  await browser.visit((session) => Object.assign(session, { [key]: 1 }))
  expect(await browser.see()).toEqual({ [key]: 1 })
})

describe.each(KINDS)('on the %s store, no prototype can be polluted', (_, browse) => {
  test.each<[string, (session: Session<AnyData>) => unknown]>([
    ['by the key __proto__', (session) => Reflect.set(session, '__proto__', { polluted: true })],
    ['by a value with that key', (session) => (session['key'] = JSON.parse('{"__proto__":{"polluted":true}}'))],
    ['by an update', (session) => session.update('__proto__', () => ({ polluted: true }))],
    ['by the key constructor', (session) => Reflect.set(session, 'constructor', { prototype: { polluted: true } })],
    [
      'by assigning what was parsed',
      (session) => Object.assign(session, JSON.parse('{"__proto__":{"polluted":true}}')),
    ],
  ])('%s', async (_what, pollute) => {
    const browser = browse()
    await browser.visit(pollute)
    await browser.visit((session) => {
      expect(session['polluted']).toBeUndefined()
      expect(Object.getPrototypeOf(session)).toBeNull()
      const { key } = session
      if (key !== undefined) expect(Object.getPrototypeOf(key)).toBe(Object.prototype)
      session['more'] = 1
    })
    await browser.see()
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(Reflect.get(Object, 'polluted')).toBeUndefined()
  })
})
