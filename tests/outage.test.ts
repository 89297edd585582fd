import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultProxy } from '@sess/conformance'
import { isSessError, type ServerStore } from '@sess/core/adapter'
import { describe, expect, it, onTestFinished } from 'vitest'
import { places } from './support/backends.ts'
import { codeOf, entry, numbers, SLACK, succeed } from './support/stores.ts'

/** Milliseconds: so long that a call that waits for it is told from one that does not, on any machine. */
const DEADLINE = 4000

const servers = places.filter(([adapter]) => adapter !== 'sqlite')
const outages = ['refuse', 'blackhole'] as const

/** A store in use, whose server has not answered its last calls. */
async function givenUp(open: (typeof places)[number][1], outage: (typeof outages)[number]) {
  const place = await open(DEADLINE)
  const store = place.openStore()
  onTestFinished(async () => {
    await store.close()
    await place.stop()
  })
  const { proxy } = place
  if (proxy === undefined) throw new Error(`${place.adapter} has no server`)
  await succeed(store.create('key', entry('data')))
  await proxy.set(outage)
  // Apart from each other: what the first one that is late does to its connection ends the calls after it.
  await Promise.all(
    numbers(8).map(async (n) => {
      await sleep(n * 5)
      return codeOf(store.read('key'))
    }),
  )
  return { store, proxy }
}

/** The durations of calls that fail, one after the other, in milliseconds. */
async function durations(store: ServerStore, count: number): Promise<readonly number[]> {
  const took = []
  for (const n of numbers(count)) {
    const began = performance.now()
    expect(await codeOf(store.create(`new${n}`, entry('data')))).toBe('UNAVAILABLE')
    took.push(performance.now() - began)
  }
  return took
}

async function untilAnswered(store: ServerStore, proxy: FaultProxy): Promise<number> {
  await proxy.set('none')
  const began = performance.now()
  for (;;) {
    try {
      await store.read('key')
      return performance.now() - began
    } catch (error) {
      if (!isSessError(error) || error.code !== 'UNAVAILABLE') throw error
      await sleep(10)
    }
  }
}

describe.each(servers)('%s', (_, open) => {
  it.each(outages)('a server that is given up (%s) costs no call a deadline', async (outage) => {
    const { store } = await givenUp(open, outage)
    expect(Math.max(...(await durations(store, 50)))).toBeLessThan(DEADLINE / 4)
  })

  it.each(outages)('a server that is given up (%s) gets none of the writes, also not later', async (outage) => {
    const { store, proxy } = await givenUp(open, outage)
    await durations(store, 50)
    await untilAnswered(store, proxy)
    const found = await Promise.all(numbers(50).map((n) => store.read(`new${n}`)))
    expect(found.filter((stored) => stored !== null)).toEqual([])
  })

  it.each(outages)('a server that was given up (%s) is used within a second once it answers', async (outage) => {
    const { store, proxy } = await givenUp(open, outage)
    await durations(store, 10)
    expect(await untilAnswered(store, proxy)).toBeLessThan(1000 + SLACK)
  })
})
