import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { entry, FAR, numbers, succeed } from '../../../tests/support/stores.ts'
import { ADD_FULL_TABLE, WRITE_TO_FULL_TABLE } from './full-table.ts'
import { openRaw } from './raw.ts'
import { newFile, openStore } from './stores.ts'

/** The size of the write-ahead log, in bytes. */
const logOf = (file: string): number => statSync(`${file}-wal`).size

describe('writes of one turn of the event loop', () => {
  it('are committed together: the log has each page once', async () => {
    const [together, apart] = [newFile(), newFile()]
    const stores = { together: openStore({ file: together }), apart: openStore({ file: apart }) }
    await Promise.all(numbers(50).map((n) => stores.together.create(`key${n}`, entry('data'))))
    for (const n of numbers(50)) await stores.apart.create(`key${n}`, entry('data'))
    expect(logOf(apart) / logOf(together)).toBeGreaterThan(5)
  })

  it('each get their own outcome', async () => {
    const store = openStore()
    const old = await succeed(store.create('old', entry('data')))
    const outcomes = await Promise.all([
      store.create('new', entry('data')),
      store.create('old', entry('other')),
      store.update('old', entry('next'), old),
      store.update('old', entry('late'), old),
      store.destroy('new'),
    ])
    expect(outcomes).toEqual([expect.any(String), null, expect.any(String), null, undefined])
    expect(await Promise.all([store.read('old'), store.read('new')])).toMatchObject([{ data: 'next' }, null])
  })

  it('succeed one by one where one of them finds no room', async () => {
    const file = newFile()
    const store = openStore({ file })
    const version = await succeed(store.create('before', entry('data')))
    openRaw(file).exec(
      `${ADD_FULL_TABLE} CREATE TRIGGER refusal AFTER INSERT ON sessions WHEN NEW.key = 'large' BEGIN ${WRITE_TO_FULL_TABLE}; END`,
    )
    const [large, ...others] = await Promise.allSettled([
      store.create('large', entry('data')),
      store.create('small', entry('data')),
      store.update('before', entry('next'), version),
      store.update('before', entry('late'), version),
      store.destroy('other'),
    ])
    expect(large).toMatchObject({ reason: { code: 'UNAVAILABLE', cause: { code: 'SQLITE_FULL' } } })
    const outcomes = [expect.any(String), expect.any(String), null, undefined]
    expect(others).toEqual(outcomes.map((value) => ({ status: 'fulfilled', value })))
    // Another store sees only what was committed.
    const other = openStore({ file })
    expect(await other.read('large')).toBeNull()
    expect(await other.read('small')).toMatchObject(entry('data'))
    expect(await other.read('before')).toMatchObject(entry('next'))
  })

  it('fail all where one of them does, and none is stored; the next succeeds', async () => {
    const file = newFile()
    const store = openStore({ file })
    await succeed(store.create('before', entry('data')))
    openRaw(file).exec(
      `CREATE TRIGGER refusal BEFORE INSERT ON sessions WHEN NEW.key = 'refused' BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    )
    const keys = ['one', 'refused', 'other']
    const outcomes = await Promise.allSettled(keys.map((key) => store.create(key, entry('data'))))
    expect(outcomes).toMatchObject(keys.map(() => ({ status: 'rejected', reason: { code: 'UNAVAILABLE' } })))
    expect(await Promise.all(keys.map((key) => store.read(key)))).toEqual([null, null, null])
    await succeed(store.create('one', entry('data')))
  })
})

describe('an update', () => {
  it.each([
    ['stays', FAR],
    ['is another', FAR + 1],
  ])('replaces data and version where the expiry %s', async (_, expiresAt) => {
    const store = openStore()
    const first = await succeed(store.create('key', entry('data')))
    const next = await succeed(store.update('key', entry('next', expiresAt), first))
    expect(await store.read('key')).toEqual({ ...entry('next', expiresAt), version: next })
  })
})
