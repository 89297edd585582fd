import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DatabaseFile } from '../src/database-file.ts'
import { entry, failureOf, FAR, numbers, PAST, succeed, until } from '../../../tests/support/stores.ts'
import { Child } from './child.ts'
import { mount } from './mounts.ts'
import { openRaw } from './raw.ts'
import { all, codesOf, newFile, newFolder, openStore } from './stores.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

/** Every file in the folder of that file. */
function filesOf(file: string): readonly string[] {
  const folder = join(file, '..')
  return readdirSync(folder).map((name) => join(folder, name))
}

function expectIntact(file: string): void {
  expect(openRaw(file).pragma('integrity_check', { simple: true })).toBe('ok')
}

/** Starts another process with a store on the file. Returns a function that calls that store. */
async function startChild(file: string, user = ''): Promise<(call: string) => Promise<unknown>> {
  const child = new Child('calls.js', file, user)
  expect(await child.next()).toBe('ready')
  return (call) => {
    child.tell(call)
    return child.next()
  }
}

describe('the file', () => {
  it('is not made before it is used', async () => {
    const file = newFile()
    const store = openStore({ file })
    expect(existsSync(file)).toBe(false)
    await store.read('key')
    expect(existsSync(file)).toBe(true)
  })

  it('is for its owner alone, and so are those that SQLite puts beside it', async () => {
    const file = newFile()
    await succeed(openStore({ file }).create('key', entry('data')))
    const modes = filesOf(file).map((path) => [path.slice(file.length), modeOf(path)])
    expect(Object.fromEntries(modes)).toEqual({ '': '600', '-shm': '600', '-wal': '600' })
  })

  it('keeps the permissions that it has, if it was there before', async () => {
    const file = newFile()
    writeFileSync(file, '')
    chmodSync(file, 0o640)
    await succeed(openStore({ file }).create('key', entry('data')))
    expect(filesOf(file).map(modeOf)).toEqual(['640', '640', '640'])
  })

  it('may be reached by a link', async () => {
    const [file, link] = [newFile(), newFile()]
    writeFileSync(file, '')
    symlinkSync(file, link)
    await succeed(openStore({ file: link }).create('key', entry('data')))
    expect(await openStore({ file }).read('key')).toMatchObject(entry('data'))
    expect(filesOf(link)).toEqual([link])
  })

  it.each([
    ['normal', [1, 0]],
    ['full', [2, 1]],
  ] as const)('is flushed to the disk as durability %s asks', (durability, asked) => {
    const file = new DatabaseFile({ file: newFile(), durability }, (database) =>
      ['synchronous', 'fullfsync'].map((name) => database.pragma(name, { simple: true })),
    )
    expect(file.use((told) => told)).toEqual(asked)
    file.close()
  })

  it('5.3 is one store for its instances, and another for each table', async () => {
    const file = newFile()
    const [one, other, apart] = [openStore({ file }), openStore({ file }), openStore({ file, table: 'others' })]
    const version = await succeed(one.create('key', entry('data', PAST)))
    expect(await other.read('key')).toEqual({ ...entry('data', PAST), version })
    await apart.destroy('key')
    expect(await apart.prune?.(FAR)).toBe(0)
    expect(await apart.read('key')).toBeNull()
    await other.destroy('key')
    expect(await one.read('key')).toBeNull()
  })

  it('3.4 brings no version back when it is opened again', async () => {
    const file = newFile()
    const before = openStore({ file })
    const old = await succeed(before.create('key', entry('data')))
    await before.destroy('key')
    await before.close()
    const after = openStore({ file })
    await succeed(after.create('key', entry('data')))
    expect(await after.update('key', entry('lost'), old)).toBeNull()
  })

  it.each(['normal', 'full'] as const)(
    '1.1 keeps every text to the last code unit, with durability %s',
    async (durability) => {
      const file = newFile()
      const texts = ['', 'a\0b\0', '\r\n', `'"\\;--`, '👩‍👩‍👧\u2028\uFEFF', 'x'.repeat(2 ** 20)]
      const before = openStore({ file, durability })
      for (const [n, text] of texts.entries()) await succeed(before.create(`key${n}`, entry(text, 8.64e15)))
      await before.close()
      const after = openStore({ file, durability })
      for (const [n, text] of texts.entries()) expect(await after.read(`key${n}`)).toMatchObject(entry(text, 8.64e15))
    },
  )
})

describe('a file that is deleted while it is open', () => {
  it.each([
    ['with those beside it', ['', '-wal', '-shm']],
    ['alone', ['']],
  ])('%s is noticed: its sessions are gone, and a new one takes its place', async (_, suffixes) => {
    const file = newFile()
    const store = openStore({ file })
    const version = await succeed(store.create('key', entry('data')))
    for (const suffix of suffixes) rmSync(file + suffix)
    await until(async () => (await store.read('key')) === null)
    expect(await store.update('key', entry('revived'), version)).toBeNull()
    await succeed(store.create('key', entry('new')))
    expect(await openStore({ file }).read('key')).toMatchObject(entry('new'))
    expect(modeOf(file)).toBe('600')
    expectIntact(file)
  })

  it('cannot damage the new one through another process that still has the old one open', async () => {
    const file = newFile()
    const call = await startChild(file)
    for (const n of numbers(50)) expect(await call(`create old${n}`)).toMatchObject({ value: expect.any(String) })
    rmSync(file)
    const store = openStore({ file })
    for (const n of numbers(50)) await succeed(store.create(`new${n}`, entry(`new${n}`)))
    await until(async () => Object(await call('read old0')).value === null)
    for (const n of numbers(50)) {
      expect(await call(`read new${n}`)).toMatchObject({ value: entry(`new${n}`) })
      expect(await call(`create other${n}`)).toMatchObject({ value: expect.any(String) })
    }
    for (const n of numbers(50)) {
      expect(await store.read(`new${n}`)).toMatchObject(entry(`new${n}`))
      expect(await store.read(`other${n}`)).toMatchObject(entry('data of the child'))
    }
    expectIntact(file)
  })

  it('7.1 is UNAVAILABLE as long as its folder is gone, and 7.2 works again with all it held', async () => {
    const folder = join(newFolder(), 'here')
    mkdirSync(folder)
    const store = openStore({ file: join(folder, 'sessions.sqlite') })
    const version = await succeed(store.create('key', entry('data')))
    renameSync(folder, `${folder}-away`)
    await until(async () =>
      store.read('key').then(
        () => false,
        () => true,
      ),
    )
    expect(await codesOf(store)).toEqual(all('UNAVAILABLE'))
    renameSync(`${folder}-away`, folder)
    expect(await store.read('key')).toEqual({ ...entry('data'), version })
  })
})

describe('a file that is replaced while it is open', () => {
  it.each(['its path', 'a link'])('is noticed: the sessions are those of the new one alone, by %s', async (way) => {
    const [file, backup, link] = [newFile(), newFile(), newFile()]
    symlinkSync(file, link)
    writeFileSync(file, '')
    const source = openStore({ file: backup })
    for (const n of numbers(100)) await succeed(source.create(`kept${n}`, entry('kept')))
    await source.close()
    const store = openStore({ file: way === 'a link' ? link : file })
    for (const n of numbers(100)) await succeed(store.create(`lost${n}`, entry('x'.repeat(2000))))
    renameSync(backup, file)
    await until(async () => (await store.read('lost0')) === null)
    for (const n of numbers(100)) {
      expect(await store.read(`lost${n}`)).toBeNull()
      expect(await store.read(`kept${n}`)).toMatchObject(entry('kept'))
    }
    await succeed(store.create('lost0', entry('new')))
    expect(await openStore({ file }).read('lost0')).toMatchObject(entry('new'))
    expectIntact(file)
  })
})

describe('a table that is dropped while it is open', () => {
  it('4.5 reads as empty, and 7.2 works again', async () => {
    const file = newFile()
    const store = openStore({ file })
    const version = await succeed(store.create('key', entry('data')))
    openRaw(file).exec('DROP TABLE sessions')
    expect((await failureOf(() => store.read('key'))).code).toBe('UNAVAILABLE')
    expect(await store.read('key')).toBeNull()
    expect(await store.update('key', entry('revived'), version)).toBeNull()
    await succeed(store.create('key', entry('new')))
  })
})

/** A file with 200 entries, written by a store that is closed. */
async function filled(): Promise<string> {
  const file = newFile()
  const store = openStore({ file })
  for (const n of numbers(200)) await succeed(store.create(`key${n}`, entry('x'.repeat(1000))))
  await store.close()
  return file
}

describe('a file that is damaged, or no database', () => {
  it.each([
    ['other text', async () => 'This is a file of something else altogether. '.repeat(500)],
    ['a database cut short', async () => readFileSync(await filled()).subarray(0, 20_000)],
    ['a database with pages of noise', async () => readFileSync(await filled()).fill(0xa5, 4096)],
  ])('7.3 is CORRUPT for every method: %s', async (_, content) => {
    const file = newFile()
    writeFileSync(file, await content())
    const store = openStore({ file })
    expect(await codesOf(store)).toEqual(all('CORRUPT'))
    await store.close()
  })

  it('7.2 works again once it is deleted', async () => {
    const file = newFile()
    writeFileSync(file, 'no database '.repeat(1000))
    const store = openStore({ file })
    expect(await codesOf(store)).toEqual(all('CORRUPT'))
    rmSync(file)
    await succeed(store.create('key', entry('data')))
  })

  it('7.7 leaves no file open, however many calls fail', async () => {
    const file = newFile()
    writeFileSync(file, 'no database '.repeat(1000))
    const store = openStore({ file })
    await codesOf(store)
    const before = readdirSync('/dev/fd').length
    for (const _ of numbers(50)) await codesOf(store)
    expect(readdirSync('/dev/fd').length).toBeLessThan(before + 50)
  })
})

describe('a file that may not be written', () => {
  it.each([
    ['the file', expect.stringMatching(/^EACCES$/), (file: string) => chmodSync(file, 0o444)],
    [
      'the folder',
      expect.stringMatching(/^SQLITE_(?:CANTOPEN|READONLY)/),
      (file: string) => chmodSync(join(file, '..'), 0o555),
    ],
  ])('7.1 is UNAVAILABLE, and 7.2 works once it may be: %s', async (_, cause, protect) => {
    const file = await filled()
    const permit = () => {
      chmodSync(join(file, '..'), 0o777)
      chmodSync(file, 0o666)
    }
    permit()
    protect(file)
    const call = await startChild(file, 'nobody')
    for (const name of ['create new', 'read key0', 'update key0 AAAAAAAAAAAAAAAA', 'destroy key0', 'prune'])
      expect(await call(name)).toEqual({ code: 'UNAVAILABLE', cause })
    permit()
    expect(await call('create new')).toEqual({ value: expect.any(String) })
    expect(await call('read key0')).toMatchObject({ value: entry('x'.repeat(1000)) })
  })

  it('7.1 is UNAVAILABLE on a file system that is read-only, and the error says what it needs', async (context) => {
    const [file, folder] = [await filled(), newFolder()]
    mount(context, '--bind', '-o', 'ro', join(file, '..'), folder)
    const store = openStore({ file: join(folder, 'sessions.sqlite') })
    expect(await codesOf(store)).toEqual(all('UNAVAILABLE'))
    const error = await failureOf(() => store.read('key0'))
    expect(error.message).toMatch(
      /needs to be allowed to write the file and its folder, on a file system that is not read/,
    )
    expect(error.cause).toMatchObject({ code: 'EROFS' })
  })

  it('7.1 is UNAVAILABLE where it cannot be made', async () => {
    const file = newFile()
    chmodSync(join(file, '..'), 0o555)
    const call = await startChild(file, 'nobody')
    expect(await call('read key')).toEqual({ code: 'UNAVAILABLE', cause: 'EACCES' })
    chmodSync(join(file, '..'), 0o777)
    expect(await call('read key')).toEqual({ value: null })
  })
})
