import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ALICE, codeOf, failureOf, FAR, PAST, shown, succeed } from '../../../tests/support/stores.ts'
import { SharedServer } from './server.ts'

const shared = new SharedServer()

/** Whether the value under a key is there and is the same before and after `act`. */
async function isUntouched(key: string, act: () => Promise<unknown>): Promise<boolean> {
  const before = await shared.direct.dumpBuffer(shared.prefix + key)
  await act()
  const after = await shared.direct.dumpBuffer(shared.prefix + key)
  return before !== null && after !== null && before.equals(after)
}

describe('an entry', () => {
  it('is one key, which Redis expires no earlier than it ends, and within the deadline of a call after it', async () => {
    const expectExpiry = async (expiresAt: number) => {
      const late = (await shared.direct.pexpiretime(`${shared.prefix}key`)) - expiresAt
      expect(late).toBeGreaterThanOrEqual(0)
      expect(late).toBeLessThan(shared.store.deadline)
    }
    const expiresAt = Date.now() + 86_400_123
    const version = await succeed(shared.store.create('key', { ...ALICE, expiresAt }))
    expect(await shared.direct.get(`${shared.prefix}key`)).toBe(`${version}${expiresAt}:${ALICE.data}`)
    await expectExpiry(expiresAt)
    const next = await succeed(shared.store.update('key', { ...ALICE, expiresAt: expiresAt + 1 }, version))
    expect(await shared.direct.get(`${shared.prefix}key`)).toBe(`${next}${expiresAt + 1}:${ALICE.data}`)
    await expectExpiry(expiresAt + 1)
    expect(await shared.direct.keys(`${shared.prefix}*`)).toEqual([`${shared.prefix}key`])
  })

  describe.each([
    ['ahead', 20],
    ['behind', -20],
  ])('7.9 where the clock of the server is 20 minutes %s', (_, minutes) => {
    const MINUTE = 60_000

    beforeEach(() => {
      const offset = minutes * MINUTE
      vi.spyOn(Date, 'now').mockImplementation(() => Math.floor(performance.timeOrigin + performance.now() - offset))
      onTestFinished(() => void vi.restoreAllMocks())
    })

    it.each([1, 5])('lives for its 15 minutes: created and updated with %i at once', async (width) => {
      const keys = Array.from({ length: width }, (__, n) => `key${n}`)
      const soon = Date.now() + 15 * MINUTE
      const expectLife = async () => {
        for (const key of keys) {
          expect(await shared.store.read(key)).toMatchObject({ expiresAt: soon })
          const left = await shared.direct.pttl(shared.prefix + key)
          expect(left).toBeGreaterThan(14 * MINUTE)
          expect(left).toBeLessThanOrEqual(15 * MINUTE + 1)
        }
      }
      const entry = { ...ALICE, expiresAt: soon }
      const versions = await Promise.all(keys.map((key) => succeed(shared.store.create(key, entry))))
      await expectLife()
      await Promise.all(keys.map((key, n) => succeed(shared.store.update(key, entry, versions[n] ?? ''))))
      await expectLife()
    })

    it('is gone at once where it has ended', async () => {
      const version = await succeed(shared.store.create('key', ALICE))
      await succeed(shared.store.update('key', { ...ALICE, expiresAt: Date.now() }, version))
      expect(await shared.direct.exists(`${shared.prefix}key`)).toBe(0)
    })
  })

  it.each([1, 1000, PAST])('6.5 that expired at %i is written, and is not there', async (expiresAt) => {
    const version = await succeed(shared.store.create('created', { ...ALICE, expiresAt }))
    expect(version).toMatch(/^[\w-]{16}$/)
    expect(await shared.store.read('created')).toBeNull()
    const current = await succeed(shared.store.create('updated', ALICE))
    await succeed(shared.store.update('updated', { ...ALICE, expiresAt }, current))
    expect(await shared.store.read('updated')).toBeNull()
    expect(await shared.direct.exists(`${shared.prefix}created`, `${shared.prefix}updated`)).toBe(0)
  })

  it.each([FAR, Date.UTC(2038, 0, 20), 8.64e15])('6.4 may expire at %i', async (expiresAt) => {
    const version = await succeed(shared.store.create('key', { ...ALICE, expiresAt }))
    expect(await shared.store.read('key')).toEqual({ ...ALICE, expiresAt, version })
    const next = await succeed(shared.store.update('key', { ...ALICE, expiresAt }, version))
    expect(await shared.store.read('key')).toEqual({ ...ALICE, expiresAt, version: next })
  })
})

describe('update', () => {
  it('takes two trips when the server has forgotten the script, and one otherwise', async () => {
    const calls = async () => (await shared.direct.info('commandstats')).match(/cmdstat_eval\w*:calls=\d+/g)?.toSorted()
    let version = await succeed(shared.store.create('key', ALICE))
    await shared.direct.config('RESETSTAT')
    for (let n = 0; n < 3; n++) version = await succeed(shared.store.update('key', ALICE, version))
    expect(await calls()).toEqual(expect.arrayContaining(['cmdstat_evalsha:calls=3']))
    await shared.direct.script('FLUSH')
    await shared.direct.config('RESETSTAT')
    for (let n = 0; n < 3; n++) version = await succeed(shared.store.update('key', ALICE, version))
    expect(await calls()).toEqual(['cmdstat_eval:calls=1', 'cmdstat_evalsha:calls=3'])
    expect(await shared.store.read('key')).toEqual({ ...ALICE, version })
  })

  it('3.3 has one winner of many that found the script forgotten', async () => {
    const version = await succeed(shared.store.create('key', ALICE))
    await shared.direct.script('FLUSH')
    const results = await Promise.all(Array.from({ length: 50 }, () => shared.store.update('key', ALICE, version)))
    expect(results.filter((result) => result !== null)).toHaveLength(1)
  })
})

const FOREIGN: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
  'an empty text': (key) => shared.direct.set(key, ''),
  'a text': (key) => shared.direct.set(key, 'what another application wrote'),
  'a text that begins as an entry': (key) => shared.direct.set(key, `0123456789abcdef${FAR} and goes on`),
  'an entry with an invalid version': (key) => shared.direct.set(key, `not an entry, ha${FAR}:{}`),
  'an entry with an invalid date': (key) => shared.direct.set(key, `0123456789abcdef0${FAR}:{}`),
  'a list': (key) => shared.direct.rpush(key, '0123456789abcdef'),
  'a hash': (key) => shared.direct.hset(key, 'field', 'value'),
  'a set': (key) => shared.direct.sadd(key, 'member'),
  'a stream': (key) => shared.direct.xadd(key, '*', 'field', 'value'),
}

describe.each(Object.entries(FOREIGN))('7.3 %s under a key', (_name, write) => {
  const version = '0123456789abcdef'

  beforeEach(() => write(`${shared.prefix}key`))

  it('is CORRUPT', async () => {
    const error = await failureOf(() => shared.store.read('key'))
    expect(error.code).toBe('CORRUPT')
    expect(shown(error)).not.toMatch(/another application|0123456789|WRONGTYPE/)
  })

  it('is a taken key for create', async () => {
    expect(await isUntouched('key', async () => expect(await shared.store.create('key', ALICE)).toBeNull())).toBe(true)
  })

  it.each([version, '', 'not an entry, ha', 'what another app', 'what another application wrote'])(
    'is no entry to update from %j',
    async (given) => {
      expect(
        await isUntouched('key', async () => expect(await shared.store.update('key', ALICE, given)).toBeNull()),
      ).toBe(true)
    },
  )

  it('is destroyed', async () => {
    await shared.store.destroy('key')
    expect(await shared.direct.exists(`${shared.prefix}key`)).toBe(0)
    await succeed(shared.store.create('key', ALICE))
  })
})

it('3.2 an unknown key is not created by an update, whatever the version', async () => {
  for (const version of ['', '0123456789abcdef', 'x', ' ', '\0', '"', 'ü'.repeat(16)]) {
    expect(await shared.store.update('key', ALICE, version)).toBeNull()
  }
  expect(await shared.direct.exists(`${shared.prefix}key`)).toBe(0)
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
    await Promise.all(chunk.map((value, n) => shared.direct.set(`${shared.prefix}${start + n}`, value)))
    for (const code of await Promise.all(chunk.map((_, n) => codeOf(() => shared.store.read(`${start + n}`))))) {
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }
  expect([...codes]).toEqual([['CORRUPT', values.length]])
})
