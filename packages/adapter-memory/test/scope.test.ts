import type { Entry, ServerStore } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'
import { codeOf, FAR, newScope, openStore, PAST, succeed } from './stores.js'

const live: Entry = { data: 'data', expiresAt: FAR }
const expired: Entry = { data: 'data', expiresAt: PAST }

async function openFull(maxEntries: number): Promise<ServerStore> {
  const store = openStore({ maxEntries })
  for (let n = 0; n < maxEntries; n++) await succeed(store.create(`key${n}`, live))
  return store
}

async function expire(store: ServerStore, key: string): Promise<void> {
  const found = await store.read(key)
  if (found !== null) await succeed(store.update(key, expired, found.version))
}

async function millisecondsOf(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
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

  // Looking through 100 000 entries takes some hundred times as long as a refusal.
  it('does not look through its entries at every refused create', async () => {
    const refuse = async (store: ServerStore): Promise<void> => {
      for (let n = 0; n < 500; n++) expect(await codeOf(() => store.create('more', live))).toBe('UNAVAILABLE')
    }
    const [small, large] = [await openFull(10), await openFull(100_000)]
    await refuse(small)
    expect(await millisecondsOf(() => refuse(large))).toBeLessThan(10 * (await millisecondsOf(() => refuse(small))))
  })

  it('has not spent its look on refusing what it had no room for', async () => {
    const store = await openFull(100_000)
    expect(await codeOf(() => store.create('new', live))).toBe('UNAVAILABLE')
    await expire(store, 'key0')
    await succeed(store.create('new', live))
  })

  it('does not look through its entries for each that expires', async () => {
    const replace = async (store: ServerStore): Promise<void> => {
      let replaced = 'key0'
      for (let n = 0; n < 2000; n++) {
        await expire(store, replaced)
        const key = `${performance.now()}-${n}`
        if ((await codeOf(() => store.create(key, live))) === 'none') replaced = key
      }
    }
    const [small, large] = [await openFull(10), await openFull(100_000)]
    await replace(small)
    expect(await millisecondsOf(() => replace(large))).toBeLessThan(10 * (await millisecondsOf(() => replace(small))))
  })
})

describe('a shared scope', () => {
  it('lives until its last instance closes', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope }), openStore({ scope })]
    await succeed(one.create('key', live))
    await one.close()
    await one.close()
    expect(await other.read('key')).toMatchObject(live)
    const third = openStore({ scope })
    expect(await third.read('key')).toMatchObject(live)
    await other.close()
    expect(await third.read('key')).toMatchObject(live)
    await third.close()
    expect(await openStore({ scope }).read('key')).toBeNull()
  })

  it.each([
    ['maxEntries', { maxEntries: 5 }, { maxEntries: 6 }, 'is 6; expected 5'],
    ['maxBytes', { maxBytes: 5 }, { maxBytes: 6 }, 'is 6; expected 5'],
    ['maxEntries', { maxEntries: 5 }, {}, 'is 100000; expected 5'],
    ['maxBytes', {}, { maxBytes: 6 }, 'is 6; expected 1048576'],
  ])('7.6 takes no instance with another %s', async (name, limits, others, message) => {
    const scope = newScope()
    const first = openStore({ scope, ...limits })
    const open = () => openStore({ scope, ...others })
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(`Option memory.${name} ${message}, with which its scope is open.`)
    await first.close()
    expect(open).not.toThrow()
  })
})
