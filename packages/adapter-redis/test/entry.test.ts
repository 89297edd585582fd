import { randomBytes } from 'node:crypto'
import type { ServerStore } from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRedis } from '../../../scripts/servers/redis.js'
import { codeOf, entry, failureOf, FAR, newPrefix, openStore, shown, succeed } from './stores.ts'

let server: Awaited<ReturnType<typeof startRedis>>
let direct: Redis
let prefix: string
let store: ServerStore

beforeAll(async () => {
  server = await startRedis()
  direct = new Redis(server.url)
})

afterAll(async () => {
  direct.disconnect()
  await server.stop()
})

beforeEach(() => {
  prefix = newPrefix()
  store = openStore({ url: server.url, prefix })
})

/** Does with a key what another application might, and says what was there before and is there now. */
async function isUntouched(key: string, act: () => Promise<unknown>): Promise<boolean> {
  const before = await direct.dumpBuffer(prefix + key)
  await act()
  const after = await direct.dumpBuffer(prefix + key)
  return before !== null && after !== null && before.equals(after)
}

describe('an entry', () => {
  it('is one key, which Redis expires at the very millisecond', async () => {
    const expiresAt = Date.now() + 86_400_123
    const version = await succeed(store.create('key', { ...entry, expiresAt }))
    expect(await direct.get(`${prefix}key`)).toBe(`${version}${expiresAt}:${entry.data}`)
    expect(await direct.pexpiretime(`${prefix}key`)).toBe(expiresAt)
    const next = await succeed(store.update('key', { ...entry, expiresAt: expiresAt + 1 }, version))
    expect(await direct.get(`${prefix}key`)).toBe(`${next}${expiresAt + 1}:${entry.data}`)
    expect(await direct.pexpiretime(`${prefix}key`)).toBe(expiresAt + 1)
    expect(await direct.keys(`${prefix}*`)).toEqual([`${prefix}key`])
  })

  it.each([1, 1000, Date.UTC(2001, 0)])('6.5 that expired at %i is written, and is not there', async (expiresAt) => {
    const version = await succeed(store.create('created', { ...entry, expiresAt }))
    expect(version).toMatch(/^[\w-]{16}$/)
    expect(await store.read('created')).toBeNull()
    const current = await succeed(store.create('updated', entry))
    await succeed(store.update('updated', { ...entry, expiresAt }, current))
    expect(await store.read('updated')).toBeNull()
    expect(await direct.exists(`${prefix}created`, `${prefix}updated`)).toBe(0)
  })

  it.each([FAR, Date.UTC(2038, 0, 20), 8.64e15])('6.4 may expire at %i', async (expiresAt) => {
    const version = await succeed(store.create('key', { ...entry, expiresAt }))
    expect(await store.read('key')).toEqual({ ...entry, expiresAt, version })
    const next = await succeed(store.update('key', { ...entry, expiresAt }, version))
    expect(await store.read('key')).toEqual({ ...entry, expiresAt, version: next })
  })
})

describe('update', () => {
  it('takes two trips when the server has forgotten the script, and one otherwise', async () => {
    const calls = async () => (await direct.info('commandstats')).match(/cmdstat_eval\w*:calls=\d+/g)?.toSorted()
    let version = await succeed(store.create('key', entry))
    await direct.config('RESETSTAT')
    for (let n = 0; n < 3; n++) version = await succeed(store.update('key', entry, version))
    expect(await calls()).toEqual(expect.arrayContaining(['cmdstat_evalsha:calls=3']))
    await direct.script('FLUSH')
    await direct.config('RESETSTAT')
    for (let n = 0; n < 3; n++) version = await succeed(store.update('key', entry, version))
    expect(await calls()).toEqual(['cmdstat_eval:calls=1', 'cmdstat_evalsha:calls=3'])
    expect(await store.read('key')).toEqual({ ...entry, version })
  })

  it('3.3 has one winner of many that found the script forgotten', async () => {
    const version = await succeed(store.create('key', entry))
    await direct.script('FLUSH')
    const results = await Promise.all(Array.from({ length: 50 }, () => store.update('key', entry, version)))
    expect(results.filter((result) => result !== null)).toHaveLength(1)
  })
})

const FOREIGN: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
  'an empty text': (key) => direct.set(key, ''),
  'a text': (key) => direct.set(key, 'what another application wrote'),
  'a text that begins as an entry': (key) => direct.set(key, `0123456789abcdef${FAR} and goes on`),
  'an entry with a version that is none': (key) => direct.set(key, `not an entry, ha${FAR}:{}`),
  'an entry with a date that is none': (key) => direct.set(key, `0123456789abcdef0${FAR}:{}`),
  'a list': (key) => direct.rpush(key, '0123456789abcdef'),
  'a hash': (key) => direct.hset(key, 'field', 'value'),
  'a set': (key) => direct.sadd(key, 'member'),
  'a stream': (key) => direct.xadd(key, '*', 'field', 'value'),
}

describe.each(Object.entries(FOREIGN))('7.3 %s under a key', (_name, write) => {
  const version = '0123456789abcdef'

  beforeEach(() => write(`${prefix}key`))

  it('is CORRUPT', async () => {
    const error = await failureOf(() => store.read('key'))
    expect(error.code).toBe('CORRUPT')
    expect(shown(error)).not.toMatch(/another application|0123456789|WRONGTYPE/)
  })

  it('is taken for a key that is taken', async () => {
    expect(await isUntouched('key', async () => expect(await store.create('key', entry)).toBeNull())).toBe(true)
  })

  it.each([version, '', 'not an entry, ha', 'what another app', 'what another application wrote'])(
    'is no entry to update from %j',
    async (given) => {
      expect(await isUntouched('key', async () => expect(await store.update('key', entry, given)).toBeNull())).toBe(
        true,
      )
    },
  )

  it('is destroyed', async () => {
    await store.destroy('key')
    expect(await direct.exists(`${prefix}key`)).toBe(0)
    await succeed(store.create('key', entry))
  })
})

it('3.2 an unknown key is not created by an update, whatever the version', async () => {
  for (const version of ['', '0123456789abcdef', 'x', ' ', '\0', '"', 'ü'.repeat(16)]) {
    expect(await store.update('key', entry, version)).toBeNull()
  }
  expect(await direct.exists(`${prefix}key`)).toBe(0)
})

it('7.3 ten thousand hostile values are CORRUPT, and nothing else', async () => {
  const header = `0123456789abcdef${FAR}`
  const values = Array.from({ length: 10_000 }, (_, n) => {
    const noise = randomBytes(n % 97)
    switch (n % 5) {
      case 0:
        return noise
      case 1:
        return Buffer.from(header.slice(0, n % (header.length + 1)))
      case 2:
        return Buffer.concat([Buffer.from(header), Buffer.from([n % 48]), noise])
      case 3:
        return Buffer.concat([Buffer.from([(n % 32) + 1]), Buffer.from(`${header}:`), noise])
      default:
        return Buffer.from(`0123456789abcde${['+', '/', '=', '\u00e9', '\u{1f600}', '\n'][n % 6]}${FAR}:{}`)
    }
  })
  const codes = new Map<string, number>()
  for (let start = 0; start < values.length; start += 500) {
    const chunk = values.slice(start, start + 500)
    await Promise.all(chunk.map((value, n) => direct.set(`${prefix}${start + n}`, value)))
    for (const code of await Promise.all(chunk.map((_, n) => codeOf(() => store.read(`${start + n}`))))) {
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }
  expect([...codes]).toEqual([['CORRUPT', values.length]])
})
