import type { ServerStore } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { numbers } from '../../../../tests/support/stores.ts'
import { begin, beginOn, outcomeOf } from '../support/arrival.ts'
import { CountedStore } from '../support/counted-store.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { onWorkers } from '../support/workers.ts'

onWorkers()

const count = (value: unknown): number => (typeof value === 'number' ? value + 1 : 1)

/** Its first update is never answered, as if its request had been cancelled. */
class LosingStore extends CountedStore {
  override readonly deadline: number
  #hasLost = false

  constructor(deadline: number) {
    super()
    this.deadline = deadline
  }

  override async update(...args: Parameters<ServerStore['update']>): ReturnType<ServerStore['update']> {
    if (this.#hasLost) return super.update(...args)
    this.#hasLost = true
    return new Promise(() => undefined)
  }
}

describe('61 requests that write one session at once, each by itself', () => {
  test('are all stored', async () => {
    const { browser, arrive } = await begin({ visits: 0 })
    const requests = await Promise.all(numbers(61).map(arrive))
    for (const [index, { session }] of requests.entries()) {
      session.update('visits', count)
      session[`key${index}`] = index
    }
    await Promise.all(requests.map(({ answer }) => answer()))
    const keys = Object.fromEntries(numbers(61).map((index) => [`key${index}`, index]))
    expect(await browser.see()).toEqual({ visits: 61, ...keys })
  })

  test('take turns: each reads and updates about once', async () => {
    const { store, arrive } = await begin({ visits: 0 })
    const requests = await Promise.all(numbers(61).map(arrive))
    for (const { session } of requests) session.update('visits', count)
    store.take()
    await Promise.all(requests.map(({ answer }) => answer()))
    expect(store.calls.length).toBeLessThanOrEqual(1.2 * 2 * 61)
  })

  test('fail separately', async () => {
    const store = new TroubledStore()
    const { browser, arrive } = await beginOn(store, { visits: 0 })
    const requests = await Promise.all(numbers(10).map(arrive))
    for (const { session } of requests) session.update('visits', count)
    store.stall()
    store.isDown = true
    const outcomes = requests.map(({ answer }) => outcomeOf(answer()))
    await store.reached
    store.release()
    expect(await outcomes[0]).toBe('UNAVAILABLE')
    store.isDown = false
    expect(new Set(await Promise.all(outcomes.slice(1)))).toEqual(new Set(['stored']))
    expect(await browser.see()).toEqual({ visits: 9 })
  })

  test('get CONFLICT once a logout among them has ended the session', async () => {
    const { browser, arrive } = await begin({ visits: 0 })
    const requests = await Promise.all(numbers(20).map(arrive))
    for (const [index, { session }] of requests.entries()) {
      if (index === 10) session.destroy()
      else session.update('visits', count)
    }
    const outcomes = await Promise.all(requests.map(({ answer }) => outcomeOf(answer())))
    expect(outcomes[10]).toBe('stored')
    expect(outcomes).toContain('CONFLICT')
    expect(['stored', 'CONFLICT']).toEqual(expect.arrayContaining(outcomes))
    expect(await browser.see()).toEqual({})
  })
})

describe('a swap that never ends', () => {
  test('keeps no other request from storing', async () => {
    const { browser, arrive } = await beginOn(new LosingStore(60_000), { visits: 0 })
    const requests = await Promise.all(numbers(6).map(arrive))
    for (const { session } of requests) session.update('visits', count)
    const [lost, ...others] = requests.map(({ answer }) => outcomeOf(answer()))
    expect(await Promise.all(others)).toEqual(Array.from(others, () => 'stored'))
    expect(await Promise.race([lost, Promise.resolve('is still under way')])).toBe('is still under way')
    expect(await browser.see()).toEqual({ visits: 5 })
  })

  test('keeps others waiting for no longer than the deadline', async () => {
    const { arrive } = await beginOn(new LosingStore(50), { visits: 0 })
    const [lost, other] = [await arrive(), await arrive()]
    lost.session.update('visits', count)
    other.session.update('visits', count)
    void outcomeOf(lost.answer())
    expect(await outcomeOf(other.answer())).toBe('UNAVAILABLE')
  })
})
