import { SessError } from '@sess/core'
import { type Entry, openStore, type StandaloneOptions, type StandaloneStore } from '@sess/core/adapter'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

const NOW = 1_700_000_000_000
const HOUR = 60 * 60 * 1000

const clock = { now: NOW }

function entry(data: string, expiresAt = NOW + HOUR): Entry {
  return { data, expiresAt }
}

function open(options: StandaloneOptions = {}): StandaloneStore {
  const store = openStore('memory', { clock: () => clock.now, scope: randomUUID(), ...options })
  onTestFinished(async () => {
    clock.now = NOW
    await store.close()
  })
  return store
}

describe('a store by itself', () => {
  it('keeps an entry under any string', async () => {
    const store = open()
    for (const id of ['a', 'a b', '\0', '日本', 'x'.repeat(10_000), 'https://example.com/?a=b']) {
      const version = await store.create(id, entry(id))
      expect(await store.read(id)).toEqual({ ...entry(id), version })
    }
  })

  it('is found by its name as sessions are, and takes an adapter', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-store-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const store = openStore('sqlite', { file: join(folder, 'sessions.db') })
    expect(store.name).toBe('sqlite')
    await store.create('id', entry('data', Date.now() + HOUR))
    await store.close()
    const { default: sqlite } = await import('@sess/adapter-sqlite')
    const again = openStore(sqlite, { file: join(folder, 'sessions.db') })
    expect(await again.read('id')).toMatchObject({ data: 'data' })
    await again.close()
  })

  it('is closed by nobody else, though their options are equal', async () => {
    const scope = randomUUID()
    const [one, other] = [openStore('memory', { scope }), openStore('memory', { scope })]
    await one.create('id', entry('data', Date.now() + HOUR))
    await one.close()
    expect(await other.read('id')).toMatchObject({ data: 'data' })
    await other.close()
  })

  it('shows the backend no id', async () => {
    const seen: unknown[] = []
    const { default: memory } = await import('@sess/adapter-memory')
    const store = openStore((_: object, context) => {
      const inner = memory({}, context)
      if (inner.kind !== 'server') throw new Error('It is a server store.')
      return {
        ...inner,
        create(key, given) {
          seen.push(key)
          return inner.create(key, given)
        },
      }
    })
    onTestFinished(() => store.close())
    await store.create('session-id', entry('data'))
    expect(seen).toEqual([expect.stringMatching(/^k[\w-]{43}$/)])
  })

  it('has nothing under an id whose entry has expired by its clock', async () => {
    const store = open()
    await store.create('id', entry('old'))
    clock.now = NOW + HOUR
    expect(await store.read('id')).toBeNull()
    const version = await store.create('id', entry('new', NOW + 2 * HOUR))
    expect(await store.read('id')).toEqual({ ...entry('new', NOW + 2 * HOUR), version })
  })

  it('creates no entry where there is one, and replaces none by a version that is not current', async () => {
    const store = open()
    const first = await store.create('id', entry('one'))
    expect(await store.create('id', entry('two'))).toBeNull()
    expect(await store.update('id', entry('two'), first ?? '')).not.toBeNull()
    expect(await store.update('id', entry('three'), first ?? '')).toBeNull()
    expect(await store.read('id')).toMatchObject({ data: 'two' })
    await store.destroy('id')
    expect(await store.read('id')).toBeNull()
  })

  it('rejects with CLOSED after close, and closes twice', async () => {
    const store = open()
    await store.close()
    await store.close()
    await expect(store.read('id')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('swap', () => {
  it('loses no change of thirty at once', async () => {
    const store = open()
    const increment = (id: string) => store.swap(id, (stored) => entry(String(Number(stored?.data ?? 0) + 1)))
    await Promise.all(Array.from({ length: 30 }, () => increment('count')))
    expect(await store.read('count')).toMatchObject({ data: '30' })
  })

  it('begins with the state that it was given, and goes on with the newest', async () => {
    const store = open()
    await store.create('id', entry('old'))
    const old = await store.read('id')
    await store.update('id', entry('new'), old?.version ?? '')
    const seen: (string | undefined)[] = []
    const change = (stored: { readonly data: string } | null) => {
      seen.push(stored?.data)
      return entry(`${stored?.data ?? 'none'}, changed`)
    }
    expect(await store.swap('id', change, old ?? undefined)).toMatchObject({ data: 'new, changed' })
    expect(seen).toEqual(['old', 'new'])
  })

  it('leaves the entry as it is where the change returns none', async () => {
    const store = open()
    expect(await store.swap('id', () => undefined)).toBeNull()
    const version = await store.create('id', entry('data'))
    expect(await store.swap('id', () => undefined)).toEqual({ ...entry('data'), version })
  })

  it('takes an entry that has expired for none', async () => {
    const store = open()
    await store.create('id', entry('old'))
    clock.now = NOW + HOUR
    const seen: unknown[] = []
    await store.swap('id', (stored) => {
      seen.push(stored)
      return entry('new', NOW + 2 * HOUR)
    })
    expect(seen).toEqual([null])
    expect(await store.read('id')).toMatchObject({ data: 'new' })
  })
})

describe('bad input', () => {
  const id = randomUUID()

  it.each<[string, Entry, string]>([
    ['data that is no text', { data: Object(1), expiresAt: NOW }, 'INVALID_VALUE'],
    ['half a character', entry('\ud800'), 'INVALID_VALUE'],
    ['a time of 0', entry('data', 0), 'INVALID_VALUE'],
    ['half a millisecond', entry('data', NOW + 0.5), 'INVALID_VALUE'],
    ['no time', entry('data', Number.NaN), 'INVALID_VALUE'],
    ['a time that no date has', entry('data', 8.64e15 + 1), 'INVALID_VALUE'],
    ['more than the store takes', entry('x'.repeat(2 ** 21)), 'TOO_LARGE'],
  ])('%s rejects, and nothing is stored', async (_, given, code) => {
    const store = open()
    for (const call of [
      () => store.create(id, given),
      () => store.update(id, given, 'version'),
      () => store.swap(id, () => given),
    ])
      await expect(call()).rejects.toMatchObject({ code })
    expect(await store.read(id)).toBeNull()
  })

  it.each([undefined, null, '', 7, {}])('the id %j rejects', async (bad) => {
    const store = open()
    // @ts-expect-error -- as a program without types would call it
    const call = store.read(bad)
    await expect(call).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  })

  it.each<[string, () => unknown, string, RegExp]>([
    ['the cookie store', () => openStore('cookie'), 'INVALID_OPTION', /keeps nothing/],
    ['no store', () => openStore(''), 'INVALID_OPTION', /name of an adapter/],
    ['a package that is not installed', () => openStore('nowhere'), 'ADAPTER_NOT_FOUND', /nowhere/],
    ['an option that the adapter lacks', () => openStore('memory', Object({ url: 'x' })), 'INVALID_OPTION', /url/],
    ['a clock that is none', () => openStore('memory', Object({ clock: 1 })), 'INVALID_OPTION', /clock/],
    [
      'options that are none',
      () => openStore('memory', Object(null) && Object('x').length),
      'INVALID_OPTION',
      /object/,
    ],
  ])('%s throws at start', (_, call, code, message) => {
    expect(call).toThrow(SessError)
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
  })

  it('names the class that opens the store for an application', () => {
    class Shop {
      readonly store: StandaloneStore

      constructor(name: string, options?: object) {
        this.store = openStore(name, Object(options), Shop)
      }
    }
    expect(() => new Shop('')).toThrow('The first argument of Shop() is an empty string')
    expect(() => new Shop('memory', { clock: 1 })).toThrow('Option Shop.clock is 1')
    expect(() => new Shop('cookie')).toThrow('Shop() needs a store on a server')
  })
})
