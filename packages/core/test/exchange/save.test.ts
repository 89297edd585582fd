import cookie from '@sess/adapter-cookie'
import { type AnyData, type Session, type Sessions, sessions } from '@sess/core'
import { type Entry, type ServerStore, SessError } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { begin, beginOn, type Handler } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { FailingStore } from '../support/failing-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { SECRET } from '../support/secret.ts'
import { SERVERS } from '../support/servers.ts'
import { TroubledStore } from '../support/troubled-store.ts'

const DATA = { user: 7, visits: 1, cart: ['book'] }

const count = (value: unknown): number => (typeof value === 'number' ? value + 1 : 1)
const change: Handler = (session) => (session['theme'] = 'dark')

describe('save()', () => {
  test('has stored the changes when it resolves', async () => {
    const { browser, arrive } = await begin(DATA)
    const { session } = await arrive()
    change(session)
    await session.save()
    expect(await browser.see()).toEqual({ ...DATA, theme: 'dark' })
  })

  test('leaves nothing for the response to store', async () => {
    const { store, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    change(session)
    await session.save()
    store.take()
    await answer()
    expect(store.methods).toEqual([])
  })

  test('without a change asks nothing of the store', async () => {
    const { store, arrive } = await begin(DATA)
    const { session } = await arrive()
    store.take()
    await session.save()
    expect(store.methods).toEqual([])
  })

  test('is optional: the response stores the changes that came after it', async () => {
    const { browser } = await begin(DATA)
    await browser.visit(async (session) => {
      change(session)
      await session.save()
      session['more'] = 1
      session.update('visits', count)
    })
    expect(await browser.see()).toEqual({ ...DATA, theme: 'dark', more: 1, visits: 2 })
  })

  test('may be called again and again', async () => {
    const { browser } = await begin(DATA)
    await browser.visit(async (session) => {
      for (let turn = 0; turn < 3; turn++) {
        session['visits'] = count(session['visits'])
        await session.save()
      }
    })
    expect(await browser.see()).toEqual({ ...DATA, visits: 4 })
  })

  test('begins a session, whose cookie the response brings', async () => {
    const { sess } = await begin(DATA)
    const exchange = sess.exchange(null)
    const session = await exchange.open()
    change(session)
    await session.save()
    const headers = await exchange.commit(200)
    const header = headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0]
    expect({ ...(await sess.exchange(header).open()) }).toEqual({ theme: 'dark' })
  })

  test('carries out a logout', async () => {
    const { store, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    session.destroy()
    await session.save()
    expect(await store.drain()).toBe(0)
    expect((await answer())[0]?.[1]).toContain('Max-Age=0')
  })

  test('carries out a login, once', async () => {
    const { store, arrive } = await begin(DATA)
    const { session, answer, next } = await arrive()
    session.regenerate()
    await session.save()
    store.take()
    await answer()
    expect({ calls: store.methods, data: await next() }).toEqual({ calls: [], data: DATA })
  })

  test('is not undone where the response is an error: what was stored stays, and its cookie is sent', async () => {
    const { arrive } = await begin(DATA)
    const { session, answer, next } = await arrive()
    change(session)
    session.regenerate()
    await session.save()
    session['more'] = 1
    await answer(500)
    expect(await next()).toEqual({ ...DATA, theme: 'dark' })
  })
})

/** Changes of every kind, and what the session then holds. */
const CHANGES: readonly (readonly [string, Handler, object])[] = [
  ['an update', (session) => session.update('visits', count), { ...DATA, visits: 2 }],
  [
    'an assignment that rests on what was read',
    (session) => (session['visits'] = count(session['visits'])),
    { ...DATA, visits: 2 },
  ],
  ['a removal', (session) => delete session['user'], { visits: 1, cart: ['book'] }],
  ['a take', (session) => session.take('user'), { visits: 1, cart: ['book'] }],
  [
    'an alteration of an array',
    (session) => Reflect.apply(Array.prototype.push, session['cart'], ['pen']),
    { ...DATA, cart: ['book', 'pen'] },
  ],
  [
    'a login',
    (session) => {
      session.regenerate()
      session.update('visits', count)
      session['user'] = 8
    },
    { ...DATA, user: 8, visits: 2 },
  ],
  ['a logout', (session) => session.destroy(), {}],
  [
    'a logout that begins another session',
    (session) => {
      session.destroy()
      session['notice'] = 'bye'
    },
    { notice: 'bye' },
  ],
]

describe.each(CHANGES)('a save() of %s that is not awaited', (_, handler, expected) => {
  test('is stored by the time the response leaves', async () => {
    const { arrive } = await begin(DATA)
    const { session, answer, next } = await arrive()
    handler(session)
    void session.save()
    await answer()
    expect(await next()).toEqual(expected)
  })

  test('is stored once', async () => {
    const { store, arrive } = await begin(DATA)
    const [awaited, other] = [await arrive(), await arrive()]
    handler(other.session)
    store.take()
    void other.session.save()
    await other.answer()
    const calls = store.take()
    await awaited.answer()
    const { store: another, arrive: again } = await begin(DATA)
    const { session, answer } = await again()
    handler(session)
    another.take()
    await session.save()
    await answer()
    expect(calls).toEqual(another.take())
  })

  test('is stored in a cookie', async () => {
    const sess = sessions(cookie, { secret: SECRET })
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, structuredClone(DATA)))
    await browser.visit((session) => {
      handler(session)
      void session.save()
    })
    expect(await browser.see()).toEqual(expected)
  })

  test.each(SERVERS)('is stored by %s', async (_server, serveOn) => {
    const { store, browser } = await begin(DATA)
    store.take()
    const send = await serveOn(store, (session) => {
      handler(session)
      void session.save()
    })
    const response = await send(browser.cookie.replace('__Host-', ''))
    const header = response.headers.getSetCookie()[0]?.split(';')[0]
    const sess: Sessions = sessions(store, { secret: SECRET })
    const seen = sess.exchange(header ?? browser.cookie.replace('__Host-', ''), { https: false })
    expect({ status: response.status, data: { ...(await seen.open()) } }).toEqual({ status: 200, data: expected })
  })
})

describe.each<[string, Handler]>([
  ['an assignment', change],
  ['an update', (session) => session.update('visits', count)],
  ['a login', (session) => session.regenerate()],
  ['a logout', (session) => session.destroy()],
])('a save() of %s that fails and is not awaited', (_, handler) => {
  test('fails the response, and leaves no unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => void unhandled.push(error)
    process.on('unhandledRejection', note)
    const { store, arrive } = await beginOn(new FailingStore(), DATA)
    const { session, answer } = await arrive()
    handler(session)
    for (const method of ['create', 'update', 'destroy'] as const) store.failing.add(method)
    void session.save()
    const { code } = await failureOf(answer())
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect({ code, unhandled }).toEqual({ code: 'UNAVAILABLE', unhandled: [] })
  })
})

describe('while save() is under way', () => {
  /** A save of the key `first` that the store has not answered. */
  const saving = async () => {
    const begun = await beginOn(new TroubledStore(), DATA)
    const arrival = await begun.arrive()
    arrival.session['first'] = 1
    begun.store.stall()
    const save = arrival.session.save()
    await begun.store.reached
    return { ...begun, ...arrival, save }
  }

  test.each<[string, Handler, object]>([
    ['an assignment', change, { ...DATA, first: 1, theme: 'dark' }],
    ['a removal', (session) => delete session['user'], { visits: 1, cart: ['book'], first: 1 }],
    ['an update', (session) => session.update('visits', count), { ...DATA, first: 1, visits: 2 }],
    ['an update of what is being saved', (session) => session.update('first', count), { ...DATA, first: 2 }],
    [
      'an assignment that rests on what is being saved',
      (session) => (session['first'] = count(session['first'])),
      { ...DATA, first: 2 },
    ],
    ['a take', (session) => session.take('user'), { visits: 1, cart: ['book'], first: 1 }],
    ['a take of what is being saved', (session) => session.take('first'), DATA],
    [
      'an array that is read and altered',
      (session) => Reflect.apply(Array.prototype.push, session['cart'], ['pen']),
      { ...DATA, cart: ['book', 'pen'], first: 1 },
    ],
    ['a login', (session) => session.regenerate(), { ...DATA, first: 1 }],
    ['a logout', (session) => session.destroy(), {}],
  ])('%s is stored by the response', async (_, handler, expected) => {
    const { store, session, save, answer, next } = await saving()
    handler(session)
    const answering = answer()
    store.release()
    await Promise.all([save, answering])
    expect(await next()).toEqual(expected)
  })

  test('another save() stores what came after it', async () => {
    const { store, session, save, browser } = await saving()
    session['second'] = 2
    const again = session.save()
    store.release()
    await Promise.all([save, again])
    expect(await browser.see()).toEqual({ ...DATA, first: 1, second: 2 })
  })

  test('another save() of nothing waits for it and asks nothing of the store', async () => {
    const { store, session, save } = await saving()
    store.take()
    const again = session.save()
    store.release()
    await Promise.all([save, again])
    expect(store.methods).toEqual(['update'])
  })

  test('another save() before the response is resolved by what the response stores', async () => {
    const { store, session, save, answer, browser } = await saving()
    session['second'] = 2
    const again = session.save()
    const answering = answer()
    store.release()
    await Promise.all([save, again, answering])
    expect(await browser.see()).toEqual({ ...DATA, first: 1, second: 2 })
  })

  test('another save() before the response stores nothing that the response stores too', async () => {
    const { store, session, save, answer, browser } = await saving()
    session.update('visits', count)
    const again = session.save()
    const answering = answer()
    store.release()
    await Promise.all([save, again, answering])
    expect(await browser.see()).toEqual({ ...DATA, first: 1, visits: 2 })
  })

  test('another save() begins no other session', async () => {
    const store = new TroubledStore()
    const browser = new Browser(sessions(store, { secret: SECRET }))
    await browser.visit(async (session) => {
      store.stall()
      session['first'] = 1
      const save = session.save()
      await store.reached
      session['second'] = 2
      const again = session.save()
      store.release()
      await Promise.all([save, again])
    })
    expect(store.methods).toEqual(['create', 'update'])
    expect(await browser.see()).toEqual({ first: 1, second: 2 })
  })

  test('another save() fails if it fails, and its changes are not stored', async () => {
    const { store, session, save, browser, answer } = await saving()
    session['second'] = 2
    store.isDown = true
    const again = session.save()
    store.release()
    const codes = [(await failureOf(save)).code, (await failureOf(again)).code]
    store.isDown = false
    expect({ codes, answer: (await failureOf(answer())).code, data: await browser.see() }).toEqual({
      codes: ['UNAVAILABLE', 'UNAVAILABLE'],
      answer: 'UNAVAILABLE',
      data: DATA,
    })
  })

  test('the response stores no change that comes after it began', async () => {
    const { store, session, save, answer, browser } = await saving()
    const list = ['a']
    session['list'] = list
    const answering = answer()
    list.push('b')
    store.release()
    await Promise.all([save, answering])
    expect(await browser.see()).toEqual({ ...DATA, first: 1, list: ['a'] })
  })

  test('an array that was read before it and is altered is a CONFLICT', async () => {
    const { store, browser, arrive } = await beginOn(new TroubledStore(), DATA)
    const { session, answer } = await arrive()
    const cart: string[] = Object(session['cart'])
    cart.push('pen')
    store.stall()
    const save = session.save()
    cart.push('ink')
    store.release()
    await save
    expect((await failureOf(answer())).code).toBe('CONFLICT')
    expect(await browser.see()).toEqual({ ...DATA, cart: ['book', 'pen'] })
  })

  test('it can be read', async () => {
    const { store, session, save } = await saving()
    expect({ ...session }).toEqual({ ...DATA, first: 1 })
    store.release()
    await save
  })
})

/** A store that loses the reply to its next write: it has stored it, and reports that it may not have. */
class LostReplies extends CountedStore {
  losesNext = false

  override async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
    const answer = await super.update(key, entry, version)
    if (!this.losesNext) return answer
    this.losesNext = false
    throw new SessError('UNAVAILABLE', 'The reply was lost.')
  }
}

describe('where save() fails', () => {
  test('the handler sees why, and its changes are still there', async () => {
    const { store, arrive } = await beginOn(new FailingStore(), DATA)
    const { session } = await arrive()
    change(session)
    store.failing.add('update')
    const { code } = await failureOf(session.save())
    expect({ code, theme: session['theme'] }).toEqual({ code: 'UNAVAILABLE', theme: 'dark' })
  })

  test.each([400, 409, 503])('a handler that answers %i has dealt with it: nothing more is stored', async (status) => {
    const { store, browser, arrive } = await beginOn(new FailingStore(), DATA)
    const { session, answer } = await arrive()
    change(session)
    store.failing.add('update')
    await failureOf(session.save())
    store.failing.clear()
    store.take()
    session['more'] = 1
    await answer(status)
    expect({ calls: store.take(), data: await browser.see() }).toEqual({ calls: [], data: DATA })
  })

  test.each<[string, (session: Session<AnyData>) => Promise<unknown>]>([
    ['is not awaited', async (session) => void session.save()],
    ['is awaited', async (session) => failureOf(session.save())],
    ['is called twice', async (session) => [await failureOf(session.save()), await failureOf(session.save())]],
  ])('a change whose reply was lost is stored once, and the response fails, where it %s', async (_, save) => {
    const { store, browser, arrive } = await beginOn(new LostReplies(), { balance: 100 })
    const { session, answer } = await arrive()
    session.update('balance', (balance) => Number(balance) - 10)
    store.losesNext = true
    await save(session)
    const { code } = await failureOf(answer())
    expect({ code, data: await browser.see() }).toEqual({ code: 'UNAVAILABLE', data: { balance: 90 } })
  })

  test.each([200, 303, 399])('a response of %i fails, and nothing more is stored', async (status) => {
    const { store, browser, arrive } = await beginOn(new FailingStore(), DATA)
    const { session, answer } = await arrive()
    change(session)
    store.failing.add('update')
    await failureOf(session.save())
    store.failing.clear()
    session['more'] = 1
    const { code } = await failureOf(answer(status))
    expect({ code, data: await browser.see() }).toEqual({ code: 'UNAVAILABLE', data: DATA })
  })

  test('a handler that discards has dealt with it, whatever it answers', async () => {
    const { sess, store, browser, arrive } = await beginOn(new FailingStore(), DATA)
    const { session, answer } = await arrive()
    change(session)
    store.failing.add('update')
    await failureOf(session.save())
    store.failing.clear()
    sess.discard(session)
    await answer()
    expect(await browser.see()).toEqual(DATA)
  })

  test('another save() fails with the same error, and sends nothing', async () => {
    const { store, arrive } = await beginOn(new FailingStore(), DATA)
    const { session } = await arrive()
    change(session)
    store.failing.add('update')
    const first = await failureOf(session.save())
    store.failing.clear()
    session['more'] = 1
    store.take()
    expect({ same: (await failureOf(session.save())) === first, calls: store.methods }).toEqual({
      same: true,
      calls: [],
    })
  })

  test.each([200, 400, 500])('a logout is carried out by a response of %i', async (status) => {
    const { store, arrive } = await beginOn(new FailingStore(), DATA)
    const { session, answer } = await arrive()
    session.destroy()
    store.failing.add('update')
    await failureOf(session.save())
    store.failing.clear()
    await answer(status).catch(() => undefined)
    expect(await store.drain()).toBe(0)
  })

  test('because the values cannot be stored, the response fails too', async () => {
    const { browser, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    Object(session['cart']).push(new Date(0))
    const codes = [(await failureOf(session.save())).code, (await failureOf(answer())).code]
    expect({ codes, data: await browser.see() }).toEqual({ codes: ['INVALID_VALUE', 'INVALID_VALUE'], data: DATA })
  })

  test('the response fails with its error, not with that of values that cannot be stored', async () => {
    const { store, arrive } = await beginOn(new TroubledStore(), DATA)
    const { session, answer } = await arrive()
    session['first'] = 1
    store.stall()
    const save = session.save()
    await store.reached
    Object(session['cart']).push(new Date(0))
    const answering = answer()
    store.isDown = true
    store.release()
    const codes = [(await failureOf(save)).code, (await failureOf(answering)).code]
    expect(codes).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
  })

  test('with a conflict, the response is a conflict too', async () => {
    const { arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    session['visits'] = count(session['visits'])
    await copy().visit((other) => (other['visits'] = 5))
    const codes = [(await failureOf(session.save())).code, (await failureOf(answer())).code]
    expect(codes).toEqual(['CONFLICT', 'CONFLICT'])
  })
})

/** Another request counts before this one's update is stored, so the update returned 2 and stored 3. */
describe('after save(), a request goes on with what it has seen, and with what its own changes became:', () => {
  const counted = async (onConflict: 'fail' | 'overwrite' = 'fail') => {
    const { browser, arrive, copy } = await begin(DATA, { onConflict })
    const arrival = await arrive()
    arrival.session.update('visits', count)
    await copy().visit((other) => other.update('visits', count))
    await arrival.session.save()
    return { ...arrival, browser }
  }

  test('its update counted upon the newest value', async () => {
    const { browser } = await counted()
    expect(await browser.see()).toEqual({ ...DATA, visits: 3 })
  })

  test('it reads what was stored for its update', async () => {
    const { session } = await counted()
    expect({ got: session['visits'], all: { ...session } }).toEqual({ got: 3, all: { ...DATA, visits: 3 } })
  })

  test('another update counts on', async () => {
    const { session, answer, browser } = await counted()
    session.update('visits', count)
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, visits: 4 })
  })

  test('an assignment that rests on what it reads then is stored', async () => {
    const { session, answer, browser } = await counted()
    session['visits'] = count(session['visits'])
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, visits: 4 })
  })

  test('an assignment that rests on what the update returned conflicts', async () => {
    const { session, answer } = await counted()
    session['visits'] = 2 + 1
    expect((await failureOf(answer())).code).toBe('CONFLICT')
  })

  test('an assignment of what it read is not silently dropped', async () => {
    const { session, answer } = await counted()
    session['visits'] = 2
    expect((await failureOf(answer())).code).toBe('CONFLICT')
  })

  test('an assignment of what it read is stored where conflicts overwrite', async () => {
    const { session, answer, browser } = await counted('overwrite')
    session['visits'] = 2
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, visits: 2 })
  })

  test('an update to what it read is stored', async () => {
    const { session, answer, browser } = await counted()
    session.update('visits', () => 2)
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, visits: 2 })
  })

  test.each<[string, Handler, Handler]>([
    ['a key that it has read', (session) => session['visits'], (session) => (session['visits'] = 2)],
    [
      'a key that was not there when it enumerated them',
      (session) => ({ ...session }),
      (session) => (session['new'] = 1),
    ],
  ])('an assignment conflicts of %s, and that another has changed before', async (_, read, write) => {
    const { arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    read(session)
    change(session)
    await copy().visit((other) => Object.assign(other, { visits: 5, new: 5 }))
    await session.save()
    write(session)
    expect((await failureOf(answer())).code).toBe('CONFLICT')
  })

  test('a key that it has read reads as before', async () => {
    const { arrive, copy } = await begin(DATA)
    const { session } = await arrive()
    const before = session['visits']
    change(session)
    await copy().visit((other) => (other['visits'] = 5))
    await session.save()
    expect([before, session['visits']]).toEqual([1, 1])
  })

  test('a key that it has not seen may be another one now', async () => {
    const { arrive, copy } = await begin(DATA)
    const { session } = await arrive()
    change(session)
    await copy().visit((other) => (other['visits'] = 5))
    await session.save()
    expect(session['visits']).toBe(5)
  })
})
