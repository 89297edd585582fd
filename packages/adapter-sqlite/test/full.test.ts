import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import sqlite from '@sess/adapter-sqlite'
import { type AnyData, type Session, sessions } from '@sess/core'
import { codeOf, entry, failureOf, numbers, PAST, SECRET, succeed } from '../../../tests/support/stores.ts'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { mount } from './mounts.ts'
import { openRaw } from './raw.ts'
import { newFolder, openStore } from './stores.ts'

const FULL = { code: 'UNAVAILABLE', status: 503, cause: { code: 'SQLITE_FULL' } }

interface SmallDisk {
  /** Where a store can have its file. */
  readonly file: string
  /** Leaves no room on it. */
  readonly fill: () => void
  /** Makes room. */
  readonly free: () => void
}

/** A file system of 8 MB. It is in memory, so that each byte that is freed is free at once. */
function smallDisk(context: TestContext): SmallDisk {
  const folder = newFolder()
  mount(context, '-t', 'tmpfs', '-o', 'size=8m,mode=777', 'tmpfs', folder)
  const filler = join(folder, 'filler')
  return {
    file: join(folder, 'sessions.sqlite'),
    fill() {
      const handle = openSync(filler, 'a')
      // The small pieces fill what the large ones leave.
      for (const size of [2 ** 20, 4096, 1]) fillBy(Buffer.alloc(size), handle)
      closeSync(handle)
    },
    free: () => rmSync(filler),
  }
}

function fillBy(piece: Buffer, handle: number): void {
  try {
    while (writeSync(handle, piece) === piece.length);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error
  }
}

/** A store on a full disk, with the entry `key`, and the entry `expired`. Its log is empty and has no room. */
async function storeOnFullDisk(context: TestContext) {
  const disk = smallDisk(context)
  const before = openStore({ file: disk.file })
  const version = await succeed(before.create('key', entry('data')))
  await succeed(before.create('expired', entry('data', PAST)))
  await before.close()
  const store = openStore({ file: disk.file })
  await store.read('key')
  disk.fill()
  return { ...disk, store, version }
}

describe('a full disk', () => {
  it('7.8 lets sessions be read, and refuses every write: none changes anything', async (context) => {
    const { store, version, fill } = await storeOnFullDisk(context)
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

  it('7.2 is noticed to have room again: every write succeeds', async (context) => {
    const { store, version, free } = await storeOnFullDisk(context)
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
    const { store, file } = await storeOnFullDisk(context)
    const other = openRaw(file)
    other.pragma('busy_timeout = 0')
    for (const count of [1, 3]) {
      await Promise.allSettled(numbers(count).map((n) => store.create(`new${n}`, entry('new'))))
      expect(() => other.exec('BEGIN IMMEDIATE; ROLLBACK')).not.toThrow()
    }
  })

  it('keeps what it took while the log had room, and nothing of what it refused', async (context) => {
    const { file, fill } = smallDisk(context)
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

  it('refuses a large session without the small writes of the same turn', async (context) => {
    const { file, fill } = smallDisk(context)
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

  it('answers 503 to a login, a change and a logout: the session stays as it was, until there is room', async (context) => {
    const { file, fill, free } = smallDisk(context)
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
    const refused = { code: 'UNAVAILABLE', status: 503 }
    await expect(
      visit((session) => session.regenerate()),
      'login',
    ).rejects.toMatchObject(refused)
    await expect(
      visit((session) => (session['cart'] = ['book'])),
      'change',
    ).rejects.toMatchObject(refused)
    await expect(
      visit((session) => session.destroy()),
      'logout',
    ).rejects.toMatchObject(refused)
    expect(await visit()).toEqual({ user: 7 })
    free()
    await visit((session) => session.regenerate())
    expect(await visit()).toEqual({ user: 7 })
    await visit((session) => session.destroy())
    expect(await visit()).toEqual({})
  })

  it('7.2 does not let a process open the file that no other has open, until there is room', async (context) => {
    const { file, fill, free } = smallDisk(context)
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
