import { SessError } from '@sess/core/adapter'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { beginOn, type Handler } from '../support/arrival.ts'
import { skipPauses } from '../support/pauses.ts'
import { DEADLINE, SlowStore } from '../support/slow-store.ts'

skipPauses()
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }))
afterEach(() => void vi.useRealTimers())

const DATA = { theme: 'dark' }
const change: Handler = (session) => (session['theme'] = 'light')
const login: Handler = (session) => {
  session['user'] = 7
  session.regenerate()
}
const logout: Handler = (session) => session.destroy()

interface Told {
  /** `resolved`, or the code of the error; `undefined` while it is neither. */
  outcome?: string
  /** Milliseconds until then. */
  after?: number
  error?: SessError
}

/** Notes when a request is told what. */
function watch(work: Promise<unknown>): Told {
  const began = performance.now()
  const told: Told = {}
  const note = (outcome: string): void => {
    Object.assign(told, { outcome, after: Math.round(performance.now() - began) })
  }
  work.then(
    () => note('resolved'),
    (error: unknown) => {
      if (!(error instanceof SessError)) throw error
      told.error = error
      note(error.code)
    },
  )
  return told
}

async function begin() {
  const begun = await beginOn(new SlowStore(), DATA)
  begun.store.take()
  return begun
}

/** A request whose store finds, at each attempt, that another request was faster. Its answer is under way. */
async function contended(handler: Handler) {
  const { store, browser, arrive } = await begin()
  const { session, answer } = await arrive()
  await handler(session)
  Object.assign(store.takes, { read: [DEADLINE * 0.15], update: [DEADLINE * 0.15] })
  store.refusals = Infinity
  return { store, browser, told: watch(answer()) }
}

describe('the time of a request', () => {
  test('a load that follows a session through its moves is UNAVAILABLE at the deadline, however many calls it needs', async () => {
    const { store, browser, copy } = await begin()
    const old = copy()
    for (let moves = 0; moves < 8; moves++) await browser.visit(login)
    store.takes.read = [DEADLINE * 0.3]
    const told = watch(old.see())
    await vi.advanceTimersByTimeAsync(5 * DEADLINE)
    expect(told).toMatchObject({ outcome: 'UNAVAILABLE', after: DEADLINE })
  })

  test.each<[string, Handler]>([
    ['a change', change],
    ['a logout', logout],
    [
      'a logout and a new session',
      (session) => {
        session.destroy()
        session['user'] = 8
      },
    ],
  ])('%s that finds the session changed again and again is UNAVAILABLE at the deadline', async (_, handler) => {
    const { told } = await contended(handler)
    await vi.advanceTimersByTimeAsync(5 * DEADLINE)
    expect(told).toMatchObject({ outcome: 'UNAVAILABLE', after: DEADLINE })
  })

  test('a login that could not bury its old entry is told before a second deadline is over', async () => {
    const { told } = await contended(login)
    await vi.advanceTimersByTimeAsync(5 * DEADLINE)
    expect(told.outcome).toBe('UNAVAILABLE')
    expect(told.after).toBeLessThan(1.2 * DEADLINE)
  })

  test('a login that ran out of time before it buried its old entry leaves the session as it was', async () => {
    const { store, browser, told } = await contended(login)
    await vi.advanceTimersByTimeAsync(5 * DEADLINE)
    store.refusals = 0
    const seen = browser.see()
    await vi.advanceTimersByTimeAsync(DEADLINE)
    expect({ told: told.outcome, seen: await seen, entries: await store.drain() }).toEqual({
      told: 'UNAVAILABLE',
      seen: DATA,
      entries: 1,
    })
  })

  test('a login that has begun to bury its old entry has one deadline more, so that the session is not lost', async () => {
    const { store, arrive } = await begin()
    const { session, answer, next } = await arrive()
    await login(session)
    // Another request changed the session, so the entry is buried at the second attempt, and the new one is updated.
    store.refusals = 1
    store.takes.create = [DEADLINE * 0.3]
    store.takes.update = [DEADLINE * 0.3, DEADLINE * 0.9, DEADLINE * 0.3]
    const told = watch(answer())
    await vi.advanceTimersByTimeAsync(5 * DEADLINE)
    expect(told).toEqual({ outcome: 'resolved', after: DEADLINE * 1.8 })
    delete store.takes.update
    expect(await next()).toEqual({ ...DATA, user: 7 })
  })

  test('the error says how long the request has waited, and has a cause', async () => {
    const { store, arrive } = await begin()
    const { session, answer } = await arrive()
    await change(session)
    store.takes.update = [DEADLINE * 0.4]
    store.refusals = Infinity
    const told = watch(answer())
    await vi.advanceTimersByTimeAsync(DEADLINE)
    const { error } = told
    expect(error?.message).toBe(`The ${store.name} store did not answer within ${DEADLINE} ms.`)
    expect(error?.cause).toMatchObject({ name: 'TimeoutError', code: 'ETIMEDOUT' })
  })

  test('no call of the store begins after the request was told', async () => {
    const { store } = await contended(change)
    await vi.advanceTimersByTimeAsync(DEADLINE)
    const calls = store.calls.length
    await vi.advanceTimersByTimeAsync(5 * DEADLINE)
    expect(store.calls).toHaveLength(calls + 1) // the call that was under way
  })
})

describe('changes that wait behind those of another request', () => {
  /** Three changes of one session: the first finds it changed until its deadline, the others wait for it. */
  async function three() {
    const { store, browser, arrive } = await begin()
    const [first, second, third] = [await arrive(), await arrive(), await arrive()]
    for (const [index, { session }] of [first, second, third].entries()) session[`change ${index}`] = true
    const delay = DEADLINE * 0.1
    Object.assign(store.takes, { read: [delay], update: [delay] })
    store.refusals = Infinity
    const told = [watch(first.answer())]
    await vi.advanceTimersByTimeAsync(1)
    told.push(watch(second.answer()))
    await vi.advanceTimersByTimeAsync(DEADLINE * 0.8)
    told.push(watch(third.answer()))
    await vi.advanceTimersByTimeAsync(DEADLINE * 0.5)
    store.refusals = 0
    await vi.advanceTimersByTimeAsync(5 * DEADLINE)
    store.takes.read = [0]
    return { told, seen: await browser.see() }
  }

  test('are UNAVAILABLE at their own deadline', async () => {
    const { told } = await three()
    expect(told.map(({ outcome }) => outcome)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'resolved'])
    expect(told.map(({ after = Infinity }) => after <= DEADLINE)).toEqual([true, true, true])
  })

  test('are withdrawn at their deadline, and those that still have time are stored', async () => {
    const { seen } = await three()
    expect(seen).toEqual({ ...DATA, 'change 2': true })
  })

  test('a login that waits behind them is UNAVAILABLE at its deadline too', async () => {
    const { store, arrive } = await begin()
    const [changing, moving] = [await arrive(), await arrive()]
    await change(changing.session)
    await login(moving.session)
    Object.assign(store.takes, { create: [DEADLINE / 2], read: [DEADLINE / 10], update: [DEADLINE / 10] })
    store.refusals = Infinity
    watch(changing.answer())
    await vi.advanceTimersByTimeAsync(1)
    const told = watch(moving.answer())
    await vi.advanceTimersByTimeAsync(5 * DEADLINE)
    expect(told).toMatchObject({ outcome: 'UNAVAILABLE', after: DEADLINE })
  })
})
