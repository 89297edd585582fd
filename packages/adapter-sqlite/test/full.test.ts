import sqlite from '@sess/adapter-sqlite'
import { type AnyData, type Session, sessions } from '@sess/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeOf, entry, failureOf, numbers, PAST, SECRET, succeed } from '../../../tests/support/stores.ts'
import { fileWithFullTable, type SmallDisk, smallFileSystem } from './disks.ts'
import { openRaw } from './raw.ts'
import { openStore } from './stores.ts'

const REFUSED = { code: 'UNAVAILABLE', status: 503 }
const FULL = { ...REFUSED, cause: { code: 'SQLITE_FULL' } }

/** Fills the disk and opens a store on it, with the entries `key` and `expired`. Its log is empty, so it has no room. */
async function openOn(disk: SmallDisk) {
  const before = openStore({ file: disk.file })
  const version = await succeed(before.create('key', entry('data')))
  await succeed(before.create('expired', entry('data', PAST)))
  await before.close()
  const store = openStore({ file: disk.file })
  await store.read('key')
  disk.fill()
  return { ...disk, store, version }
}

describe.each([
  ['a full disk', smallFileSystem],
  ['a file with a full table', fileWithFullTable],
])('%s', (_, disk) => {
  it('7.8 lets sessions be read, and refuses every write: none changes anything', async (context) => {
    const { store, version, fill } = await openOn(disk(context))
    const end = () => store.update('key', entry('', 1), version)
    const writes = [
      () => store.create('new', entry('new')),
      () => store.update('key', entry('next'), version),
      end,
      () => store.destroy('key'),
      () => store.prune?.(PAST),
    ]
    for (const write of writes) {
      expect(await failureOf(write)).toMatchObject(FULL)
      // Had the store closed its file, there would be room for a moment, which another program takes.
      fill()
    }
    expect((await failureOf(end)).message).toMatch(/disk .* is full.*can still be read.*Make room/)
    expect(await store.read('key')).toEqual({ ...entry('data'), version })
    expect(await store.read('expired')).toMatchObject(entry('data', PAST))
    expect(await store.read('new')).toBeNull()
  })

  it('7.2 lets every write succeed as soon as there is room', async (context) => {
    const { store, version, free } = await openOn(disk(context))
    expect(await codeOf(() => store.update('key', entry('next'), version))).toBe('UNAVAILABLE')
    free()
    const next = await succeed(store.update('key', entry('next'), version))
    expect(await store.read('key')).toEqual({ ...entry('next'), version: next })
    await succeed(store.create('new', entry('new')))
    await store.destroy('key')
    expect(await store.read('key')).toBeNull()
    expect(await store.prune?.(PAST)).toBe(1)
  })

  it('leaves no transaction open, of one write or of several', async (context) => {
    const { store, file } = await openOn(disk(context))
    const other = openRaw(file)
    other.pragma('busy_timeout = 0')
    for (const count of [1, 3]) {
      await Promise.allSettled(numbers(count).map((n) => store.create(`new${n}`, entry('new'))))
      expect(() => other.exec('BEGIN IMMEDIATE; ROLLBACK')).not.toThrow()
    }
  })

  it('answers 503 to a login, a change and a logout: the session stays as it was, until there is room', async (context) => {
    const { file, fill, free } = disk(context)
    const sess = sessions(sqlite, { secret: SECRET, file })
    onTestFinished(() => sess.close())
    let cookie = ''
    const visit = async (use: (session: Session<AnyData>) => unknown = () => undefined) => {
      const exchange = sess.exchange(cookie)
      const session = await exchange.open()
      use(session)
      const found = { ...session }
      const headers = await exchange.commit(200)
      cookie = headers.find(([name]) => name === 'set-cookie')?.[1].replace(/;.*/, '') ?? cookie
      return found
    }
    await visit((session) => (session['user'] = 7))
    fill()
    const login = visit((session) => session.regenerate())
    await expect(login).rejects.toMatchObject(REFUSED)
    const change = visit((session) => (session['cart'] = ['book']))
    await expect(change).rejects.toMatchObject(REFUSED)
    const logout = visit((session) => session.destroy())
    await expect(logout).rejects.toMatchObject(REFUSED)
    expect(await visit()).toEqual({ user: 7 })
    free()
    await visit((session) => session.regenerate())
    expect(await visit()).toEqual({ user: 7 })
    await visit((session) => session.destroy())
    expect(await visit()).toEqual({})
  })
})

describe('a store on a full disk', () => {
  it('keeps what it took while the log had room, and nothing of what it refused', async (context) => {
    const { file, fill } = smallFileSystem(context)
    const store = openStore({ file })
    for (const n of numbers(400)) await succeed(store.create(`old${n}`, entry('data')))
    openRaw(file).pragma('wal_checkpoint(RESTART)')
    fill()
    const taken = new Map<string, boolean>()
    for (const n of numbers(400))
      taken.set(`new${n}`, (await codeOf(() => store.create(`new${n}`, entry('new')))) === 'none')
    expect(new Set(taken.values())).toEqual(new Set([true, false]))
    for (const [key, isTaken] of taken) expect((await store.read(key)) !== null).toBe(isTaken)
    for (const n of numbers(400)) expect(await store.read(`old${n}`)).toMatchObject(entry('data'))
  })

  it('refuses a large session, but not the small writes of the same turn', async (context) => {
    const { file, fill } = smallFileSystem(context)
    const store = openStore({ file })
    const versions: string[] = []
    for (const n of numbers(400)) versions.push(await succeed(store.create(`key${n}`, entry('data'))))
    openRaw(file).pragma('wal_checkpoint(RESTART)')
    fill()
    const [large, destroyed, updated] = await Promise.allSettled([
      store.create('large', entry('x'.repeat(2 ** 20))),
      store.destroy('key0'),
      store.update('key1', entry('next'), versions[1] ?? ''),
    ])
    expect(large).toMatchObject({ status: 'rejected', reason: FULL })
    expect([destroyed.status, updated.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(await Promise.all(['large', 'key0', 'key1'].map((key) => store.read(key)))).toMatchObject([
      null,
      null,
      { data: 'next' },
    ])
  })

  it('7.2 cannot open a file that no other process has open, until there is room', async (context) => {
    const { file, fill, free } = smallFileSystem(context)
    const before = openStore({ file })
    const version = await succeed(before.create('key', entry('data')))
    await before.close()
    fill()
    const store = openStore({ file })
    expect((await failureOf(() => store.read('key'))).message).toMatch(/-shm .* disk is full/)
    free()
    expect(await store.read('key')).toEqual({ ...entry('data'), version })
  })
})
