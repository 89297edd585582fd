import { createRequire } from 'node:module'
import type { AnyData, Session } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { type Arrival, begin, beginOn, type Handler } from '../support/arrival.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { thrownBy } from '../support/failure.ts'
import { TroubledStore } from '../support/troubled-store.ts'

const sloppy: typeof import('../fixtures/sloppy.cjs') = createRequire(import.meta.url)('../fixtures/sloppy.cjs')

const DATA = { user: 7, cart: ['book', 'pen'], address: { city: 'London', lines: [{ text: '1 Road' }] } }

/** Values that were handed out, typed so that they can be altered. */
const cartOf = (data: object): string[] => Object(Reflect.get(data, 'cart'))
const addressOf = (data: object): { city?: string; lines: { text: string }[] } => Object(Reflect.get(data, 'address'))

const NESTED: readonly [string, (data: object) => unknown][] = [
  ['push', (data) => cartOf(data).push('ink')],
  ['pop', (data) => cartOf(data).pop()],
  ['sort', (data) => Reflect.apply(Array.prototype.sort, cartOf(data), [])],
  ['reverse', (data) => Reflect.apply(Array.prototype.reverse, cartOf(data), [])],
  ['fill', (data) => cartOf(data).fill('x')],
  ['the length', (data) => (cartOf(data).length = 0)],
  ['an index', (data) => (cartOf(data)[0] = 'map')],
  ['an assignment', (data) => (addressOf(data).city = 'Paris')],
  ['a removal', (data) => delete addressOf(data).city],
  ['an assignment three levels down', (data) => addressOf(data).lines.map((line) => (line.text = 'x'))],
  ['a push two levels down', (data) => addressOf(data).lines.push({ text: 'x' })],
  ['a value of a copy', (data) => cartOf({ ...data }).push('ink')],
  ['a value of Object.values', (data) => Object.values(data).map((value) => Array.isArray(value) && value.push('ink'))],
  [
    'a value of a property descriptor',
    (data) => Object(Object.getOwnPropertyDescriptor(data, 'cart')?.value).push('ink'),
  ],
  [
    'a value of a property descriptor below',
    (data) => Object(Object.getOwnPropertyDescriptor(addressOf(data), 'lines')?.value).push('ink'),
  ],
  ['Object.assign', (data) => Object.assign(addressOf(data), { city: 'Paris' })],
  ['Object.defineProperty', (data) => Object.defineProperty(addressOf(data), 'city', { value: 'Paris' })],
  ['Object.setPrototypeOf', (data) => Object.setPrototypeOf(addressOf(data), {})],
  ['Object.freeze', (data) => Object.freeze(addressOf(data))],
  ['a write of sloppy CommonJS', (data) => sloppy.assign(Object(addressOf(data)), 'city', 'Paris')],
  ['a removal of sloppy CommonJS', (data) => sloppy.remove(Object(addressOf(data)), 'city')],
  ['an emptying of sloppy CommonJS', (data) => sloppy.empty(cartOf(data))],
]

const READS: readonly [string, (data: object) => unknown, unknown][] = [
  ['JSON.stringify', (data) => JSON.parse(JSON.stringify(data)), DATA],
  ['spread', (data) => ({ ...data }), DATA],
  ['Array.isArray', (data) => Array.isArray(cartOf(data)), true],
  ['map', (data) => cartOf(data).map((item) => item.length), [4, 3]],
  ['filter and join', (data) => cartOf(data).filter(Boolean).join(), 'book,pen'],
  ['toSorted', (data) => cartOf(data).toSorted().at(-1), 'pen'],
  ['concat', (data) => cartOf(data).concat(['ink']), ['book', 'pen', 'ink']],
  ['iteration', (data) => [...cartOf(data)], ['book', 'pen']],
  ['Object.entries', (data) => Object.entries(addressOf(data).lines[0] ?? {}), [['text', '1 Road']]],
  ['in', (data) => ['city' in addressOf(data), 'zip' in addressOf(data)], [true, false]],
  ['JSON.stringify of a value', (data) => JSON.stringify(addressOf(data)), JSON.stringify(DATA.address)],
]

async function answered(data: object): Promise<Session<AnyData>> {
  const { arrive } = await begin(data)
  const { session, answer } = await arrive()
  await answer()
  return session
}

describe('after the response, a session refuses', () => {
  test.each<[string, Handler]>([
    ['an assignment', (session) => (session['user'] = 8)],
    ['an assignment of what is there', (session) => (session['user'] = 7)],
    ['a new key', (session) => (session['new'] = 1)],
    ['delete', (session) => delete session['user']],
    ['update', (session) => session.update('user', () => 8)],
    ['take', (session) => session.take('user')],
    ['regenerate', (session) => session.regenerate()],
    ['destroy', (session) => session.destroy()],
    ['Object.assign', (session) => Object.assign(session, { user: 8 })],
    ['Reflect.set', (session) => Reflect.set(session, 'user', 8)],
    ['a write of sloppy CommonJS', (session) => sloppy.assign(session, 'user', 8)],
    ['a removal of sloppy CommonJS', (session) => sloppy.remove(session, 'user')],
  ])('%s', async (_, change) => {
    const session = await answered(DATA)
    expect(thrownBy(() => change(session)).code).toBe('SEALED')
    expect({ ...session }).toEqual(DATA)
  })

  test('save', async () => {
    const session = await answered(DATA)
    expect((await failureOf(session.save())).code).toBe('SEALED')
  })

  test.each(NESTED)('to have a value altered by %s', async (_, alter) => {
    const session = await answered(DATA)
    expect(thrownBy(() => alter(session)).code).toBe('SEALED')
    expect({ ...session }).toEqual(DATA)
  })

  test('with a message that says when to change it', async () => {
    const session = await answered(DATA)
    const { message } = thrownBy(() => (session['user'] = 8))
    expect(message).toContain('Change it before the first write, end or redirect')
  })
})

describe('after the response, a session can still be read by', () => {
  test.each(READS)('%s', async (_, read, expected) => {
    expect(read(await answered(DATA))).toEqual(expected)
  })

  test('a key whose value was assigned frozen', async () => {
    const { arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    session['frozen'] = Object.freeze({ deep: Object.freeze({ list: Object.freeze(['a']) }) })
    await answer()
    expect(JSON.stringify(session['frozen'])).toBe('{"deep":{"list":["a"]}}')
    expect(Reflect.get(Object(session['frozen']), 'deep')).toEqual({ list: ['a'] })
  })
})

describe('a session is sealed', () => {
  const stalled = async (): Promise<Arrival & { store: TroubledStore }> => {
    const { store, arrive } = await beginOn(new TroubledStore(), DATA)
    const arrival = await arrive()
    arrival.session['user'] = 8
    store.stall()
    return { store, ...arrival }
  }

  test('in the very call that answers, before the store has', async () => {
    const { store, session, answer } = await stalled()
    const answering = answer()
    expect(thrownBy(() => (session['user'] = 9)).code).toBe('SEALED')
    store.release()
    await answering
  })

  test('also where the store fails', async () => {
    const { store, session, answer } = await stalled()
    store.isDown = true
    store.release()
    await failureOf(answer())
    expect(thrownBy(() => (session['user'] = 9)).code).toBe('SEALED')
  })

  test('also where there is nothing to store', async () => {
    const { arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    expect(await answer()).toEqual([])
    expect(thrownBy(() => (session['user'] = 9)).code).toBe('SEALED')
  })
})

/** The result of `read` for a session with that data. */
async function readOf(data: object): Promise<object> {
  const { sess, browser } = await begin(data)
  const found = await sess.read(new Request('https://example.com', { headers: { cookie: browser.cookie } }))
  if (found === null) throw new Error('expected a session')
  return found
}

describe('what read() returns', () => {
  test.each(READS)('can be read by %s', async (_, read, expected) => {
    expect(read(await readOf(DATA))).toEqual(expected)
  })

  test.each<[string, (data: object) => unknown]>([
    ['an assignment', (data) => Reflect.set(data, 'user', 8)],
    ['a removal', (data) => Reflect.deleteProperty(data, 'user')],
    ['Object.freeze', (data) => Object.freeze(data)],
    ['a write of sloppy CommonJS', (data) => sloppy.assign(Object(data), 'user', 8)],
    ...NESTED,
  ])('is READ_ONLY, at any depth: %s', async (_, alter) => {
    const data = await readOf(DATA)
    expect(thrownBy(() => alter(data)).code).toBe('READ_ONLY')
    expect(data).toEqual(DATA)
  })

  test('can be awaited, also with a key named then', async () => {
    const data: object = JSON.parse('{ "then": "a value" }')
    expect(await readOf(data)).toEqual(data)
  })
})

describe('sloppy CommonJS, where a failed write is ignored,', () => {
  test('does ignore it for a frozen object', () => {
    const frozen: Record<string, unknown> = Object.freeze({ user: 7 })
    sloppy.assign(frozen, 'user', 8)
    sloppy.remove(frozen, 'user')
    expect(frozen).toEqual({ user: 7 })
  })

  test.each<[string, (session: Session<AnyData>) => unknown, string]>([
    ['a method', (session) => sloppy.assign(session, 'save', 1), 'RESERVED_KEY'],
    ['a removal of a method', (session) => sloppy.remove(session, 'save'), 'RESERVED_KEY'],
    ['a symbol', (session) => sloppy.assign(session, Symbol('s'), 1), 'INVALID_VALUE'],
    ['a removal of a symbol', (session) => sloppy.remove(session, Symbol('s')), 'INVALID_VALUE'],
    ['a function', (session) => sloppy.assign(session, 'user', () => 1), 'INVALID_VALUE'],
  ])('hears of it for a session: %s', async (_, write, code) => {
    const { arrive } = await begin(DATA)
    const { session } = await arrive()
    expect(thrownBy(() => write(session)).code).toBe(code)
  })

  test('writes to a session as any other code does', async () => {
    const { browser } = await begin(DATA)
    await browser.visit((session) => {
      sloppy.assign(session, 'user', 8)
      sloppy.remove(session, 'address')
    })
    expect(await browser.see()).toEqual({ user: 8, cart: DATA.cart })
  })
})
