import { describe, expect, test } from 'vitest'
import { type Begun, beginOn, type Handler } from '../support/arrival.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { skipPauses } from '../support/pauses.ts'
import { RefusingStore } from '../support/refusing-store.ts'

const DATA = { user: 7 }

async function beginRefused(): Promise<Begun<RefusingStore>> {
  const begun = await beginOn(new RefusingStore(), DATA)
  begun.store.refuses = true
  begun.store.take()
  return begun
}

describe('if other requests change the session before every attempt', () => {
  const pauses = skipPauses()

  test.each<[string, Handler]>([
    ['a change', (session) => (session['theme'] = 'dark')],
    ['an update', (session) => session.update('user', () => 8)],
    ['a logout', (session) => session.destroy()],
    ['a login', (session) => session.regenerate()],
    [
      'a change of user',
      (session) => {
        session.destroy()
        session['user'] = 8
      },
    ],
  ])('%s gives up as a CONFLICT', async (_, handler) => {
    const { browser } = await beginRefused()
    const error = await failureOf(browser.visit(handler))
    expect(error).toMatchObject({ code: 'CONFLICT', status: 409 })
  })

  test.each<[string, Handler]>([
    ['a change', (session) => (session['theme'] = 'dark')],
    ['a logout', (session) => session.destroy()],
  ])('%s is attempted at least 20 times, and at most 100', async (_, handler) => {
    const { store, browser } = await beginRefused()
    await failureOf(browser.visit(handler))
    const attempts = store.methods.filter((method) => method === 'update').length
    expect(attempts).toBeGreaterThanOrEqual(20)
    expect(attempts).toBeLessThanOrEqual(100)
  })

  test.each<[string, Handler]>([
    ['a change', (session) => (session['theme'] = 'dark')],
    ['a logout', (session) => session.destroy()],
    ['a login', (session) => session.regenerate()],
    [
      'a login that changes something',
      (session) => {
        session['theme'] = 'dark'
        session.regenerate()
      },
    ],
  ])('%s that gave up has changed nothing and left nothing', async (_, handler) => {
    const { store, browser } = await beginRefused()
    await failureOf(browser.visit(handler))
    expect(await browser.see()).toEqual(DATA)
    expect(await store.drain()).toBe(1)
  })

  test('it pauses between attempts, for random times of at most 32 ms', async () => {
    const { browser } = await beginRefused()
    const from = pauses.length
    await failureOf(browser.visit((session) => (session['theme'] = 'dark')))
    const paused = pauses.slice(from)
    expect(Math.max(...paused)).toBeLessThanOrEqual(32)
    expect(new Set(paused).size).toBeGreaterThan(10)
  })

  test('a request that only reads succeeds, though it cannot extend the session', async () => {
    const time = { now: Date.now() }
    const { store, browser } = await beginOn(new RefusingStore(), DATA, { clock: () => time.now })
    store.refuses = true
    time.now += 2 * 60 * 60 * 1000
    expect(await browser.see()).toEqual(DATA)
  })

  test('the next request succeeds when that is over', async () => {
    const { store, browser } = await beginRefused()
    await failureOf(browser.visit((session) => (session['theme'] = 'dark')))
    store.refuses = false
    await browser.visit((session) => (session['theme'] = 'light'))
    expect(await browser.see()).toEqual({ ...DATA, theme: 'light' })
  })
})
