import { describe, expect, test } from 'vitest'
import { begin, beginOn, type Handler } from '../support/arrival.ts'
import { FailingStore } from '../support/failing-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { thrownBy } from '../support/failure.ts'
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
    const cookie = headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0]
    expect({ ...(await sess.exchange(cookie).open()) }).toEqual({ theme: 'dark' })
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

  test('that is not awaited is awaited by the response', async () => {
    const { store, browser, arrive } = await beginOn(new TroubledStore(), DATA)
    const { session, answer } = await arrive()
    change(session)
    store.stall()
    const saving = session.save()
    const answering = answer()
    await store.reached
    store.release()
    await Promise.all([answering, saving])
    expect(await browser.see()).toEqual({ ...DATA, theme: 'dark' })
  })
})

describe('while save() is under way', () => {
  test.each<[string, Handler]>([
    ['an assignment', change],
    ['a removal', (session) => delete session['user']],
    ['an update', (session) => session.update('visits', count)],
    ['a take', (session) => session.take('user')],
    ['a login', (session) => session.regenerate()],
    ['a logout', (session) => session.destroy()],
  ])('%s is SEALED', async (_, handler) => {
    const { store, browser, arrive } = await beginOn(new TroubledStore(), DATA)
    const { session, answer } = await arrive()
    session['first'] = 1
    store.stall()
    const saving = session.save()
    const { code } = thrownBy(() => handler(session))
    store.release()
    await saving
    await answer()
    expect({ code, data: await browser.see() }).toEqual({ code: 'SEALED', data: { ...DATA, first: 1 } })
  })

  test('another save() is SEALED, and the first one stores', async () => {
    const { browser, arrive } = await begin(DATA)
    const { session } = await arrive()
    change(session)
    const [first, second] = await Promise.allSettled([session.save(), session.save()])
    expect({ first: first.status, second: second.status, data: await browser.see() }).toEqual({
      first: 'fulfilled',
      second: 'rejected',
      data: { ...DATA, theme: 'dark' },
    })
  })

  test('an array that is altered is stored by the response', async () => {
    const { store, browser, arrive } = await beginOn(new TroubledStore(), DATA)
    const { session, answer } = await arrive()
    const cart: string[] = Object(session['cart'])
    cart.push('pen')
    store.stall()
    const saving = session.save()
    cart.push('ink')
    store.release()
    await saving
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, cart: ['book', 'pen', 'ink'] })
  })

  test('it can be read', async () => {
    const { store, arrive } = await beginOn(new TroubledStore(), DATA)
    const { session } = await arrive()
    change(session)
    store.stall()
    const saving = session.save()
    expect({ ...session }).toEqual({ ...DATA, theme: 'dark' })
    store.release()
    await saving
  })
})

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
    await answer(status)
    expect({ calls: store.take(), data: await browser.see() }).toEqual({ calls: [], data: DATA })
  })

  test('a handler that answers with success does so only if the changes can be stored after all', async () => {
    const { store, browser, arrive } = await beginOn(new FailingStore(), DATA)
    const [one, other] = [await arrive(), await arrive()]
    for (const { session } of [one, other]) {
      change(session)
      store.failing.add('update')
      await failureOf(session.save())
    }
    const { code } = await failureOf(one.answer())
    store.failing.clear()
    await other.answer()
    expect({ code, data: await browser.see() }).toEqual({ code: 'UNAVAILABLE', data: { ...DATA, theme: 'dark' } })
  })

  test('another save() may succeed, and the answer may then be any', async () => {
    const { store, browser, arrive } = await beginOn(new FailingStore(), DATA)
    const { session, answer } = await arrive()
    change(session)
    store.failing.add('update')
    await failureOf(session.save())
    store.failing.clear()
    await session.save()
    session['more'] = 1
    await answer(404)
    expect(await browser.see()).toEqual({ ...DATA, theme: 'dark', more: 1 })
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
describe('after save(), a request goes on with what it has seen:', () => {
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

  test('it still reads what the update returned', async () => {
    const { session } = await counted()
    expect(session['visits']).toBe(2)
  })

  test('another update counts on', async () => {
    const { session, answer, browser } = await counted()
    session.update('visits', count)
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, visits: 4 })
  })

  test('an assignment that rests on what it read conflicts', async () => {
    const { session, answer } = await counted()
    session['visits'] = count(session['visits'])
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
