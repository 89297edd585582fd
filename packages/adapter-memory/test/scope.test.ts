import type { ServerStore } from '@sess/core/adapter'
import { describe, expect, it, vi } from 'vitest'
import { codeOf, entry, PAST, succeed } from '../../../tests/support/stores.ts'
import { newScope, openStore } from './stores.ts'

const live = entry('data')
const expired = entry('data', PAST)

async function openFull(maxEntries: number): Promise<ServerStore> {
  const store = openStore({ maxEntries })
  for (let n = 0; n < maxEntries; n++) await succeed(store.create(`key${n}`, live))
  return store
}

async function expire(store: ServerStore, key: string): Promise<void> {
  const found = await store.read(key)
  if (found !== null) await succeed(store.update(key, expired, found.version))
}

/** How often `work` iterates over a scope of that size. */
async function looksThrough(size: number, work: () => Promise<void>): Promise<number> {
  const iterate = Map.prototype[Symbol.iterator]
  let looks = 0
  const spy = vi.spyOn(Map.prototype, Symbol.iterator).mockImplementation(function (this: Map<unknown, unknown>) {
    if (this.size === size) looks++
    return Reflect.apply(iterate, this, [])
  })
  await work()
  spy.mockRestore()
  return looks
}

describe('a full scope', () => {
  it('drops expired entries first', async () => {
    const store = openStore({ maxEntries: 3 })
    await succeed(store.create('expired', expired))
    await succeed(store.create('live', live))
    const version = await succeed(store.create('extended', expired))
    await succeed(store.update('extended', live, version))
    await succeed(store.create('new', live))
    expect(await store.read('expired')).toBeNull()
    for (const key of ['live', 'extended', 'new']) expect(await store.read(key)).toMatchObject(live)
    expect(await codeOf(() => store.create('newer', live))).toBe('UNAVAILABLE')
  })

  it('notices an entry whose expiry was brought forward', async () => {
    const store = openStore({ maxEntries: 1 })
    const version = await succeed(store.create('old', live))
    expect(await codeOf(() => store.create('new', live))).toBe('UNAVAILABLE')
    await succeed(store.update('old', expired, version))
    await succeed(store.create('new', live))
  })

  it('still updates, reads and destroys, and still knows a taken key', async () => {
    const store = openStore({ maxEntries: 1 })
    const first = await succeed(store.create('key', live))
    expect(await store.create('key', live)).toBeNull()
    const second = await succeed(store.update('key', { ...live, data: 'updated' }, first))
    expect(await store.read('key')).toEqual({ ...live, data: 'updated', version: second })
    await store.destroy('key')
    await succeed(store.create('other', live))
  })

  it('counts the entries of all its instances', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope, maxEntries: 2 }), openStore({ scope, maxEntries: 2 })]
    await succeed(one.create('one', live))
    await succeed(other.create('other', live))
    expect(await codeOf(() => one.create('third', live))).toBe('UNAVAILABLE')
    expect(await codeOf(() => other.create('third', live))).toBe('UNAVAILABLE')
  })

  it('evicts no live session, however many are refused', async () => {
    const store = openStore({ maxEntries: 100 })
    await succeed(store.create('user', live))
    let refused = 0
    for (let bot = 0; bot < 1000; bot++) {
      if ((await codeOf(() => store.create(`bot${bot}`, live))) === 'UNAVAILABLE') refused++
    }
    expect(refused).toBe(901)
    expect(await store.read('user')).toMatchObject(live)
  })

  it('does not sweep its entries at every refused create', async () => {
    const store = await openFull(1234)
    const looks = await looksThrough(1234, async () => {
      for (let n = 0; n < 500; n++) await codeOf(() => store.create('more', live))
    })
    expect(looks).toBe(0)
  })

  it('still removes expired entries right after a refused create', async () => {
    const store = await openFull(100_000)
    expect(await codeOf(() => store.create('new', live))).toBe('UNAVAILABLE')
    await expire(store, 'key0')
    await succeed(store.create('new', live))
  })

  it('sweeps its entries for at most a twentieth of the time, however many expire', async () => {
    const store = await openFull(1234)
    // Each reading of the clock advances it by 1 ms, so iterating over the scope takes 1 ms.
    const began = performance.now()
    let now = began
    vi.spyOn(performance, 'now').mockImplementation(() => now++)
    let replaced = 'key0'
    const looks = await looksThrough(1234, async () => {
      for (let n = 0; n < 2100; n++) {
        await expire(store, replaced)
        if ((await codeOf(() => store.create(`new${n}`, live))) === 'none') replaced = `new${n}`
      }
    })
    vi.mocked(performance.now).mockRestore()
    expect(looks / (now - began)).toBeLessThan(1 / 20)
    expect(looks / (now - began)).toBeGreaterThan(1 / 25)
  })
})
