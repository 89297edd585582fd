import { execFile } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Entry } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, FAR, newScope, openStore, openUntyped, PAST, succeed } from './stores.js'

const entry = (data: string, expiresAt: number = FAR): Entry => ({ data, expiresAt })
const numbers = (count: number): readonly number[] => [...Array(count).keys()]

describe('1 create', () => {
  it('1.1 reads back exactly what was created', async () => {
    const store = openStore()
    const texts = {
      empty: '',
      short: 'a',
      nul: 'a\0b',
      lines: '\r\n\n\r',
      quotes: `"'\`\\`,
      emoji: '👩‍👩‍👧 é é',
      separators: '\u2028\u2029',
      'byte order mark': '\uFEFFa',
      prototype: '{"__proto__":{"a":1}}',
      protocol: 'END\r\nVALUE a 0 1\r\n',
    }
    for (const [key, data] of Object.entries(texts)) {
      for (const expiresAt of [1, 1_700_000_000_123, 2 ** 31 * 1000, 8.64e15]) {
        await succeed(store.create(`${key}-${expiresAt}`, { data, expiresAt }))
        expect(await store.read(`${key}-${expiresAt}`)).toMatchObject({ data, expiresAt })
      }
    }
  })

  it('1.1 reads back exactly any data and any expiry', async () => {
    const store = openStore()
    let key = 0
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 8.64e15 }), async (data, expiresAt) => {
        await succeed(store.create(`${++key}`, { data, expiresAt }))
        expect(await store.read(`${key}`)).toMatchObject({ data, expiresAt })
      }),
    )
  })

  it('1.1 takes data of maxBytes', async () => {
    const store = openStore({ maxBytes: 5_000_000 })
    expect(store.maxBytes).toBe(5_000_000)
    await succeed(store.create('key', entry('é'.repeat(2_500_000))))
    expect((await store.read('key'))?.data).toBe('é'.repeat(2_500_000))
  })

  it('1.2 refuses a taken key and leaves its entry untouched', async () => {
    const store = openStore()
    const version = await succeed(store.create('key', entry('first', FAR)))
    expect(await store.create('key', entry('second', FAR + 1))).toBeNull()
    expect(await store.read('key')).toEqual({ data: 'first', expiresAt: FAR, version })
  })

  it('1.3 lets one of many concurrent creates win', async () => {
    const scope = newScope()
    const stores = [openStore({ scope }), openStore({ scope })]
    const writers = numbers(100).flatMap((n) => stores.map((store) => ({ store, data: `${n}` })))
    const versions = await Promise.all(writers.map(({ store, data }) => store.create('key', entry(data))))
    const winners = versions.filter((version) => version !== null)
    expect(winners).toHaveLength(1)
    expect(await stores[0]?.read('key')).toEqual({ ...entry('0'), version: winners[0] })
  })

  it('1.4 creates a destroyed key again, with nothing of its former life', async () => {
    const store = openStore()
    const before = await succeed(store.create('key', entry('a long old value', FAR)))
    await store.destroy('key')
    const after = await succeed(store.create('key', entry('new', FAR + 5)))
    expect(after).not.toBe(before)
    expect(await store.read('key')).toEqual({ data: 'new', expiresAt: FAR + 5, version: after })
  })

  it('1.5 shows a created entry to every instance of the scope', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope }), openStore({ scope })]
    await succeed(one.create('key', entry('data')))
    expect(await other.read('key')).toMatchObject(entry('data'))
  })
})

describe('2 read', () => {
  it('2.1 reads an unknown key as null', async () => {
    const store = openStore()
    expect(await store.read('unknown')).toBeNull()
    expect(await store.read('__proto__')).toBeNull()
    expect(await store.read('constructor')).toBeNull()
  })

  it('2.2 changes nothing by reading', async () => {
    const store = openStore()
    const version = await succeed(store.create('key', entry('data')))
    for (const _ of numbers(3)) expect(await store.read('key')).toEqual({ ...entry('data'), version })
    expect(await store.update('key', entry('next'), version)).not.toBeNull()
  })

  it('2.3 keeps apart what callers hold and what it stores', async () => {
    const store = openStore()
    const given = { data: 'created', expiresAt: FAR }
    const version = await succeed(store.create('key', given))
    Object.assign(given, { data: 'altered', expiresAt: 1, version: 'altered' })
    const found = await store.read('key')
    expect(found).toEqual({ data: 'created', expiresAt: FAR, version })
    Object.assign(found ?? {}, { data: 'altered', expiresAt: 1, version: 'altered' })
    expect(await store.read('key')).toEqual({ data: 'created', expiresAt: FAR, version })
    const next = { data: 'updated', expiresAt: FAR }
    const nextVersion = await succeed(store.update('key', next, version))
    Object.assign(next, { data: 'altered' })
    expect(await store.read('key')).toEqual({ data: 'updated', expiresAt: FAR, version: nextVersion })
  })

  it('2.4 keeps entries apart that are written in parallel', async () => {
    const store = openStore()
    const all = numbers(1000)
    await Promise.all(all.map((n) => store.create(`key${n}`, entry(`data${n}`, FAR + n))))
    const found = await Promise.all(all.map((n) => store.read(`key${n}`)))
    expect(found).toEqual(all.map((n) => expect.objectContaining(entry(`data${n}`, FAR + n))))
  })
})

describe('3 update', () => {
  it.each([
    ['sooner', FAR - 1],
    ['later', FAR + 1],
  ])('3.1 replaces data and expiry whole, when it is %s', async (_, expiresAt) => {
    const store = openStore()
    const first = await succeed(store.create('key', entry('a long old value')))
    const second = await succeed(store.update('key', entry('new', expiresAt), first))
    expect(second).not.toBe(first)
    expect(await store.read('key')).toEqual({ data: 'new', expiresAt, version: second })
  })

  it('3.2 refuses a version that is not current, and changes nothing', async () => {
    const store = openStore()
    const superseded = await succeed(store.create('key', entry('first')))
    const current = await succeed(store.update('key', entry('second'), superseded))
    const ofAnother = await succeed(store.create('other', entry('other')))
    const counted = numbers(5000).map((n) => n.toString(36))
    const malformed = [
      '',
      ' ',
      '0',
      '1',
      'null',
      'undefined',
      `${current} `,
      current.slice(0, -1),
      current.toUpperCase(),
    ]
    for (const version of [superseded, ofAnother, ...malformed, ...counted]) {
      expect(await store.update('key', entry('third'), version)).toBeNull()
      expect(await store.update('unknown', entry('third'), version)).toBeNull()
    }
    expect(await store.read('key')).toEqual({ ...entry('second'), version: current })
    expect(await store.read('unknown')).toBeNull()
  })

  it('3.2 refuses the version of a destroyed entry, and creates nothing', async () => {
    const store = openStore()
    const version = await succeed(store.create('key', entry('data')))
    await store.destroy('key')
    expect(await store.update('key', entry('revived'), version)).toBeNull()
    expect(await store.read('key')).toBeNull()
  })

  it('3.3 lets one of many concurrent updates win', async () => {
    const scope = newScope()
    const stores = [openStore({ scope }), openStore({ scope })]
    const version = await succeed(openStore({ scope }).create('key', entry('start')))
    const writers = numbers(100).flatMap((n) => stores.map((store) => ({ store, data: `${n}` })))
    const versions = await Promise.all(writers.map(({ store, data }) => store.update('key', entry(data), version)))
    expect(versions.filter((won) => won !== null)).toHaveLength(1)
  })

  it('3.4 brings no version back by writing the old value again', async () => {
    const store = openStore()
    const first = await succeed(store.create('key', entry('old')))
    const second = await succeed(store.update('key', entry('new'), first))
    const third = await succeed(store.update('key', entry('old'), second))
    expect(new Set([first, second, third]).size).toBe(3)
    expect(await store.update('key', entry('lost'), first)).toBeNull()
  })

  it('3.4 brings no version back by destroying and creating anew', async () => {
    const store = openStore()
    const seen = new Set<string>()
    for (const _ of numbers(1000)) {
      seen.add(await succeed(store.create('key', entry('same'))))
      await store.destroy('key')
    }
    expect(seen.size).toBe(1000)
  })

  it('3.4 brings no version back when the scope is lost and opened again', async () => {
    const scope = newScope()
    const before = openStore({ scope })
    const old = await succeed(before.create('key', entry('same')))
    await before.close()
    const after = openStore({ scope })
    await succeed(after.create('key', entry('same')))
    expect(await after.update('key', entry('lost'), old)).toBeNull()
    expect(await after.read('key')).toMatchObject(entry('same'))
  })

  it('3.5 keeps each of the increments of many writers', async () => {
    const scope = newScope()
    const stores = [openStore({ scope }), openStore({ scope })]
    await succeed(openStore({ scope }).create('key', entry('0')))
    const writers = numbers(8).flatMap(() => stores)
    await Promise.all(
      writers.map(async (store) => {
        for (const _ of numbers(25)) {
          for (;;) {
            const found = await store.read('key')
            if (found === null) throw new Error('the entry is gone')
            await turn()
            const next = entry(`${Number(found.data) + 1}`)
            if ((await store.update('key', next, found.version)) !== null) break
          }
        }
      }),
    )
    expect(await stores[0]?.read('key')).toMatchObject({ data: `${16 * 25}` })
  })

  it('3.6 shows an update to every instance of the scope', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope }), openStore({ scope })]
    const version = await succeed(one.create('key', entry('first')))
    const next = await succeed(other.update('key', entry('second'), version))
    expect(await one.read('key')).toEqual({ ...entry('second'), version: next })
  })
})

describe('4 destroy', () => {
  it('4.1 removes an entry for every instance of the scope', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope }), openStore({ scope })]
    await succeed(one.create('key', entry('data')))
    await other.destroy('key')
    expect(await one.read('key')).toBeNull()
    expect(await other.read('key')).toBeNull()
  })

  it('4.2 accepts an unknown key, and the same key twice', async () => {
    const store = openStore()
    await succeed(store.create('key', entry('data')))
    for (const key of ['unknown', 'key', 'key']) await store.destroy(key)
    expect(await store.read('key')).toBeNull()
  })

  it('4.3 removes that key and no other', async () => {
    const store = openStore()
    const others = ['ke', 'keyy', 'Key', 'kez', 'key-', '_key', 'k']
    for (const key of ['key', ...others]) await succeed(store.create(key, entry(key)))
    await store.destroy('key')
    for (const key of others) expect(await store.read(key)).toMatchObject(entry(key))
  })

  it.each(['update first', 'destroy first'])('4.4 never revives an entry by an update under way: %s', async (order) => {
    const store = openStore()
    const version = await succeed(store.create('key', entry('data')))
    const update = () => store.update('key', entry('revived'), version)
    const destroy = () => store.destroy('key')
    await Promise.all(order === 'update first' ? [update(), destroy()] : [destroy(), update()])
    expect(await store.read('key')).toBeNull()
    expect(await update()).toBeNull()
    expect(await store.read('key')).toBeNull()
  })

  it('4.5 reads lost entries as null', async () => {
    const scope = newScope()
    const before = openStore({ scope })
    await succeed(before.create('key', entry('data')))
    await before.close()
    expect(await openStore({ scope }).read('key')).toBeNull()
  })
})

describe('5 isolation', () => {
  it('5.1 keeps scopes apart', async () => {
    const [one, other] = [openStore(), openStore()]
    const version = await succeed(one.create('key', entry('one', PAST)))
    expect(await other.read('key')).toBeNull()
    expect(await other.update('key', entry('other'), version)).toBeNull()
    await other.destroy('key')
    expect(await other.prune?.(FAR)).toBe(0)
    expect(await one.read('key')).toEqual({ ...entry('one', PAST), version })
    await succeed(other.create('key', entry('other')))
    expect(await one.read('key')).toMatchObject(entry('one', PAST))
  })

  it('5.2 tells keys apart by case and to their full length', async () => {
    const store = openStore()
    const long = 'k'.repeat(127)
    const keys = ['key', 'KEY', 'Key', `${long}a`, `${long}b`, `${long}A`, long]
    for (const key of keys) await succeed(store.create(key, entry(key)))
    for (const key of keys) expect(await store.read(key)).toMatchObject(entry(key))
  })

  it('5.3 is one store in every instance of a scope, the default scope too', async () => {
    const [one, other] = [openUntyped({}), openUntyped({ scope: 'default' })]
    const version = await succeed(one.create('5.3', entry('data')))
    expect(await other.read('5.3')).toEqual({ ...entry('data'), version })
    expect(await other.create('5.3', entry('other'))).toBeNull()
    await other.destroy('5.3')
    expect(await one.update('5.3', entry('revived'), version)).toBeNull()
  })
})

describe('6 expiry', () => {
  it('6.1 and 6.2 reclaims at expiresAt, and not a millisecond before', async () => {
    const store = openStore()
    await succeed(store.create('key', entry('data', 1_700_000_000_000)))
    expect(await store.prune?.(1_699_999_999_999)).toBe(0)
    expect(await store.read('key')).toMatchObject(entry('data', 1_700_000_000_000))
    expect(await store.prune?.(1_700_000_000_000)).toBe(1)
    expect(await store.read('key')).toBeNull()
  })

  it('6.3 removes what expired and nothing else, and says how many', async () => {
    const store = openStore()
    const now = 1_700_000_000_000
    for (const n of numbers(2500)) await succeed(store.create(`key${n}`, entry('data', now + n - 1200)))
    expect(await store.prune?.(now)).toBe(1201)
    for (const n of numbers(2500)) expect((await store.read(`key${n}`)) === null).toBe(n <= 1200)
    expect(await store.prune?.(now)).toBe(0)
  })

  it('6.3 yields to the event loop again and again', async () => {
    const store = openStore()
    for (const n of numbers(10_000)) await succeed(store.create(`key${n}`, entry('data', n % 2 === 0 ? PAST : FAR)))
    const pruning = store.prune?.(Date.now())
    const ended = pruning?.then(() => false)
    let turns = 0
    while (await Promise.race([ended, turn(true)])) turns++
    expect(await pruning).toBe(5000)
    expect(turns).toBeGreaterThanOrEqual(5)
  })

  it('6.3 spares an entry that is extended, and one that is created, while it runs', async () => {
    const store = openStore()
    for (const n of numbers(5000)) await succeed(store.create(`key${n}`, entry('data', PAST)))
    const last = await store.read('key4999')
    const pruning = store.prune?.(Date.now())
    expect(await store.read('key0')).toBeNull()
    const version = await succeed(store.update('key4999', entry('extended'), last?.version ?? ''))
    const created = await succeed(store.create('key0', entry('created')))
    expect(await pruning).toBe(4999)
    expect(await store.read('key4999')).toEqual({ ...entry('extended'), version })
    expect(await store.read('key0')).toEqual({ ...entry('created'), version: created })
  })

  it('6.3 ends although entries are created as fast as it goes', async () => {
    const store = openStore()
    for (const n of numbers(3000)) await succeed(store.create(`key${n}`, entry('data')))
    const pruning = store.prune?.(Date.now())
    const ended = pruning?.then(() => false)
    let turns = 0
    while ((await Promise.race([ended, turn(true)])) && turns < 50) {
      turns++
      for (const n of numbers(1000)) await succeed(store.create(`later${turns}-${n}`, entry('data')))
    }
    expect(turns).toBeLessThan(10)
    expect(await pruning).toBe(0)
  })

  it('6.3 lets two prunes at once count each entry once', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope }), openStore({ scope })]
    for (const n of numbers(5000)) await succeed(one.create(`key${n}`, entry('data', PAST)))
    const counts = await Promise.all([one.prune?.(Date.now()), other.prune?.(Date.now())])
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(5000)
  })

  it('6.4 keeps an entry that expires far ahead', async () => {
    const store = openStore({ maxEntries: 4 })
    const days = 24 * 60 * 60 * 1000
    const dates = [Date.now() + 31 * days, Date.UTC(2039, 0), Date.now() + 3650 * days, 8.64e15]
    for (const expiresAt of dates) await succeed(store.create(`key${expiresAt}`, entry('data', expiresAt)))
    expect(await store.prune?.(Date.now())).toBe(0)
    expect(await codeOf(() => store.create('more', entry('data')))).toBe('UNAVAILABLE')
    for (const expiresAt of dates) expect(await store.read(`key${expiresAt}`)).toMatchObject({ expiresAt })
  })

  it.each([1, PAST, Date.now() - 1, Date.now(), Date.now() + 500])('6.5 takes an expiry of %d', async (expiresAt) => {
    const store = openStore()
    await succeed(store.create('key', entry('data', expiresAt)))
    expect(await store.read('key')).toMatchObject({ expiresAt })
    expect(await store.prune?.(Date.now() + 1000)).toBe(1)
  })
})

describe('7 failure', () => {
  it('7.1 refuses a session that it has no room for, and says what to do', async () => {
    const store = openStore({ maxEntries: 2 })
    await succeed(store.create('one', entry('1')))
    await succeed(store.create('two', entry('2')))
    const refused = store.create('three', entry('3'))
    await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 503 })
    await expect(refused).rejects.toThrow(/full: it holds 2 sessions.*Raise maxEntries/)
    expect(await store.read('three')).toBeNull()
  })

  it('7.2 works again when there is room again', async () => {
    const store = openStore({ maxEntries: 1 })
    await succeed(store.create('one', entry('1')))
    expect(await codeOf(() => store.create('two', entry('2')))).toBe('UNAVAILABLE')
    await store.destroy('one')
    await succeed(store.create('two', entry('2')))
    expect(await codeOf(() => store.create('three', entry('3')))).toBe('UNAVAILABLE')
  })

  it('7.5 is closed in every method after close, and closes twice', async () => {
    const store = openStore()
    const version = await succeed(store.create('key', entry('data')))
    await store.close()
    const calls = [
      () => store.create('new', entry('data')),
      () => store.read('key'),
      () => store.update('key', entry('data'), version),
      () => store.destroy('key'),
      () => store.prune?.(Date.now()),
    ]
    for (const call of calls) expect(await codeOf(call)).toBe('CLOSED')
    expect(await codeOf(() => store.close())).toBe('none')
  })

  it('7.5 ends calls in flight, and a long prune at its next step', async () => {
    const scope = newScope()
    const [one, other] = [openStore({ scope }), openStore({ scope })]
    for (const n of numbers(50_000)) await succeed(one.create(`key${n}`, entry('data', PAST)))
    const pruning = one.prune?.(Date.now())
    const reading = one.read('key49999')
    await one.close()
    expect(await reading).toMatchObject(entry('data', PAST))
    const pruned = (await pruning) ?? 0
    expect(pruned).toBeGreaterThan(0)
    expect(pruned).toBeLessThan(5000)
    expect(await other.prune?.(Date.now())).toBe(50_000 - pruned)
  })

  it.each([
    ['memory', undefined, 'missing'],
    ['memory', null, 'null'],
    ['memory', [], 'an array'],
    ['memory', 'hunter2', 'a string of 7 characters'],
    ['memory.scope', { scope: '' }, 'an empty string'],
    ['memory.scope', { scope: 5 }, '5'],
    ['memory.scope', { scope: null }, 'null'],
    ['memory.maxEntries', { maxEntries: 0 }, '0'],
    ['memory.maxEntries', { maxEntries: -1 }, '-1'],
    ['memory.maxEntries', { maxEntries: 1.5 }, '1.5'],
    ['memory.maxEntries', { maxEntries: Number.NaN }, 'NaN'],
    ['memory.maxEntries', { maxEntries: Infinity }, 'Infinity'],
    ['memory.maxEntries', { maxEntries: 2 ** 23 + 1 }, '8388609'],
    ['memory.maxEntries', { maxEntries: 'hunter2' }, 'a string of 7 characters'],
    ['memory.maxEntries', { maxEntries: null }, 'null'],
    ['memory.maxBytes', { maxBytes: 0 }, '0'],
    ['memory.maxBytes', { maxBytes: 2 ** 40 }, '1099511627776'],
    ['memory.maxBytes', { maxBytes: {} }, 'an object'],
    ['memory.maxBytes', { maxBytes: true }, 'true'],
  ])('7.6 refuses a bad option: %s of %j', (path, options, given) => {
    const open = () => openUntyped(options)
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(`Option ${path} is ${given}; expected `)
    expect(open).not.toThrow(/hunter2/)
  })

  it('7.6 refuses an unknown option and names those there are', () => {
    const open = () => openUntyped({ maxEntry: 5 })
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(/maxEntry.*scope, maxEntries, maxBytes/)
  })

  it('7.7 keeps no process alive that never closes it', async () => {
    const program = `
      import memory from '@sess/adapter-memory'
      const store = memory({}, undefined)
      await store.create('key', { data: 'data', expiresAt: 1 })
      process.stdout.write(String(await store.prune(Date.now())))
    `
    const arguments_ = ['--input-type=module', '--eval', program]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, arguments_, {
      cwd: import.meta.dirname,
      timeout: 15_000,
    })
    expect({ stdout, stderr }).toEqual({ stdout: '1', stderr: '' })
  })
})

describe('10 the object', () => {
  it('10.1 has the fields and methods of its interface', () => {
    const store = openStore()
    expect(store).toEqual({
      contract: 1,
      kind: 'server',
      name: 'memory',
      maxBytes: 1_048_576,
      deadline: 1000,
      lacks: ['durability'],
      create: expect.any(Function),
      read: expect.any(Function),
      update: expect.any(Function),
      destroy: expect.any(Function),
      prune: expect.any(Function),
      close: expect.any(Function),
    })
  })

  it('10.2 lacks durability: a scope is empty when it is opened again', async () => {
    const scope = newScope()
    const before = openStore({ scope })
    await succeed(before.create('key', entry('data')))
    await before.close()
    expect(before.lacks).toEqual(['durability'])
    expect(await openStore({ scope }).read('key')).toBeNull()
  })
})
