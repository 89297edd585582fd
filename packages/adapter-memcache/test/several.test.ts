import { isSessError } from '@sess/core/adapter'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Memcached, startMemcached } from '../../../scripts/servers/memcached.js'
import { entry, numbers, succeed } from '../../../tests/support/stores.ts'
import { newPrefix, openStore, untilAvailable } from './support/stores.ts'
import { Wire } from './support/wire.ts'

const KEYS = numbers(60).map((n) => `key${n}`)

const start = () => Promise.all(numbers(3).map(() => startMemcached()))
const addresses = (own: readonly Memcached[]) => own.map(({ address }) => address)

describe('several servers', () => {
  let own: Memcached[] = []
  beforeAll(async () => {
    own = await start()
  })
  afterAll(() => Promise.all(own.map(({ stop }) => stop())))

  const countItems = async ({ port }: Memcached) => (await Wire.open(port)).stat('curr_items')

  it('each store some of the sessions', async () => {
    const store = openStore({ servers: addresses(own) })
    const before = await Promise.all(own.map(countItems))
    for (const key of KEYS) await succeed(store.create(key, entry(key)))
    for (const key of KEYS) expect(await store.read(key)).toMatchObject({ data: key })
    const after = await Promise.all(own.map(countItems))
    const counts = after.map((count, n) => count - (before[n] ?? 0))
    expect(counts).not.toContain(0)
    expect(counts.reduce((sum, count) => sum + count)).toBe(KEYS.length)
  })

  it('are the same store in any order', async () => {
    const prefix = newPrefix()
    const one = openStore({ servers: addresses(own), prefix })
    const other = openStore({ servers: addresses(own).toReversed(), prefix })
    for (const key of KEYS) await succeed(one.create(key, entry(key)))
    for (const key of KEYS) expect(await other.read(key)).toMatchObject({ data: key })
  })

  it('keep their sessions when another server is removed from the list', async () => {
    const prefix = newPrefix()
    const [one, other, removed] = addresses(own)
    if (one === undefined || other === undefined || removed === undefined) throw new Error('there are three')
    const before = openStore({ servers: [one, other, removed], prefix })
    const after = openStore({ servers: [one, other], prefix })
    const items = await Promise.all(own.map(countItems))
    const keys = numbers(300).map((n) => `key${n}`)
    await Promise.all(keys.map((key) => before.create(key, entry(key))))
    const lost = ((await Promise.all(own.map(countItems)))[2] ?? 0) - (items[2] ?? 0)
    const found = await Promise.all(keys.map((key) => after.read(key)))
    expect(found.filter((stored) => stored === null)).toHaveLength(lost)
    expect(lost).toBeLessThan(180)
  })

  it.each(['killed', 'frozen'])('of which one is %s: its keys are UNAVAILABLE, and no key is null', async (how) => {
    const store = openStore({ servers: addresses(own), deadline: 1500 })
    await Promise.all(KEYS.map((key) => store.create(key, entry(key))))
    const [, failing] = own
    if (failing === undefined) throw new Error('there are three')
    if (how === 'killed') await failing.kill()
    else await failing.freeze()

    const outcomesOf = (call: (key: string) => Promise<unknown>) =>
      Promise.all(
        KEYS.map((key) =>
          call(key).then(
            () => 'answered',
            (error: unknown) => (isSessError(error) ? error.code : 'another error'),
          ),
        ),
      )
    const read = async (key: string) => expect(await store.read(key)).toMatchObject({ data: key })
    const create = async (key: string) => expect(await store.create(key, entry('elsewhere'))).toBeNull()
    const outcomes = await outcomesOf(read)
    expect(new Set(outcomes)).toEqual(new Set(['answered', 'UNAVAILABLE']))
    // No key ever goes to another server: not at a later try, and not for a write.
    for (const _ of numbers(2)) {
      const again = await Promise.all([outcomesOf(read), outcomesOf(create)])
      expect(again).toEqual([outcomes, outcomes])
    }

    if (how === 'killed') await failing.restart()
    else failing.thaw()
    for (const [n, key] of KEYS.entries()) {
      const found = await untilAvailable(() => store.read(key))
      expect(found?.data).toBe(how === 'killed' && outcomes[n] === 'UNAVAILABLE' ? undefined : key)
    }
  })
})
