import { isSessError } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'
import { codeOf, entry, numbers, succeed } from '../../../tests/support/stores.ts'
import { sharedServer } from './support/server.ts'
import { openStore } from './support/stores.ts'

const DATA = 'x'.repeat(20_000)
/** About 12 MB in total, for servers with 4 MB. */
const KEYS = numbers(600).map((n) => `key${n}`)

describe('a server that is full', () => {
  const evicting = sharedServer('-m', '4')
  const refusing = sharedServer('-m', '4', '-M')

  it('4.5 evicts sessions, which then read as null, and accepts new ones', async () => {
    const store = openStore({ servers: evicting.address })
    const versions = new Map<string, string>()
    for (const key of KEYS) versions.set(key, await succeed(store.create(key, entry(key + DATA))))
    const found = await Promise.all(KEYS.map((key) => store.read(key)))
    const evicted = KEYS.filter((_key, n) => found[n] === null)
    expect(evicted.length).toBeGreaterThan(0)
    expect(evicted.length).toBeLessThan(KEYS.length)
    for (const [n, key] of KEYS.entries()) {
      if (found[n] !== null) expect(found[n]?.data === key + DATA).toBe(true)
      else expect(await store.update(key, entry('revived'), versions.get(key) ?? '')).toBeNull()
    }
  })

  it('that evicts nothing is UNAVAILABLE for new sessions, and still reads, ends and destroys', async () => {
    const store = openStore({ servers: refusing.address })
    const versions = await Promise.all(
      KEYS.map((key) =>
        store.create(key, entry(key + DATA)).catch((error: unknown) => (isSessError(error) ? error.code : 'unknown')),
      ),
    )
    const refused = versions.filter((version) => version === 'UNAVAILABLE')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(KEYS.length)
    for (const [n, key] of KEYS.entries()) {
      const stored = await store.read(key)
      if (versions[n] === 'UNAVAILABLE') expect(stored).toBeNull()
      else expect(stored?.data === key + DATA).toBe(true)
    }
    expect(await codeOf(store.create('one-more', entry(DATA)))).toBe('UNAVAILABLE')
    const [ended = '', ...others] = KEYS.filter((_key, n) => versions[n] !== 'UNAVAILABLE').slice(0, 5)
    const version = versions[KEYS.indexOf(ended)] ?? ''
    expect(await store.update(ended, entry('ended', 1), '0123456789abcdef')).toBeNull()
    await succeed(store.update(ended, entry('ended', 1), version))
    expect(await store.read(ended)).toBeNull()
    for (const key of others) await store.destroy(key)
    expect(await store.read(others[0] ?? '')).toBeNull()
    await succeed(store.create('one-more', entry(DATA)))
  })
})
