import { execFile } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { entry, numbers, shown, succeed } from '../../../tests/support/stores.ts'
import { Child } from './child.ts'
import { newFile, openStore } from './stores.ts'

const run = promisify(execFile)
const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name)

interface Filled {
  readonly codes: readonly string[]
  readonly created: number
  readonly first: string
}

describe('several processes on one file', () => {
  it('3.5 keep each of their increments', async () => {
    const file = newFile()
    const store = openStore({ file })
    await succeed(store.create('key', entry('0')))
    const children = numbers(4).map(() => new Child('increment.js', file, '500'))
    for (const child of children) expect(await child.next()).toBe('done')
    expect(await store.read('key')).toMatchObject(entry('2000'))
  })

  it('open one that is new at the same time', async () => {
    const file = newFile()
    const children = numbers(4).map(() => new Child('calls.js', file))
    for (const child of children) expect(await child.next()).toBe('ready')
    for (const [n, child] of children.entries()) child.tell(`create key${n}`)
    for (const child of children) expect(await child.next()).toEqual({ value: expect.any(String) })
    for (const n of children.keys()) expect(await openStore({ file }).read(`key${n}`)).not.toBeNull()
  })

  it('lose no write that was acknowledged when one of them is killed', async () => {
    const file = newFile()
    const child = new Child('write.js', file)
    const acknowledged = [await child.next()]
    while (acknowledged.length < 200) acknowledged.push(await child.next())
    await child.kill()
    acknowledged.push(...child.rest())
    const store = openStore({ file })
    for (const key of acknowledged) expect(await store.read(String(key))).toMatchObject(entry(`updated ${String(key)}`))
  })
})

describe('a file that takes no more, and that has become read-only', () => {
  // `ulimit -f` limits the size of a file. It makes `write` fail as a quota does, and needs no special rights.
  it('7.8 lets sessions be read, refuses writes as UNAVAILABLE, and loses nothing that it holds', async () => {
    const file = newFile()
    chmodSync(join(file, '..'), 0o777)
    const limited = `ulimit -f 600; exec "$0" "$1" "$2"`
    const { stdout } = await run('sh', ['-c', limited, process.execPath, fixture('fill.js'), file])
    chmodSync(file, 0o666)
    const { codes, created, first }: Filled = JSON.parse(stdout)
    expect({ codes, first }).toEqual({ codes: codes.map(() => 'UNAVAILABLE'), first: 'first' })
    const store = openStore({ file })
    for (const n of numbers(created)) expect(await store.read(`key${n}`)).toMatchObject(entry('x'.repeat(20_000)))
    await succeed(store.create('new', entry('data')))
  })
})

describe('the process', () => {
  it.each([
    ['7.5 ends when the store is closed', 'await store.close()'],
    ['7.7 is not kept alive by a store that is not closed', ''],
  ])('%s', async (_, end) => {
    const program = `
      import sqlite from '@sess/adapter-sqlite'
      const store = sqlite({ file: process.argv[1] })
      await store.create('key', { data: 'data', expiresAt: 1 })
      process.stdout.write(String(await store.prune(Date.now())))
      ${end}
    `
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', program, newFile()], {
      cwd: import.meta.dirname,
      timeout: 15_000,
    })
    expect({ stdout, stderr }).toEqual({ stdout: '1', stderr: '' })
  })

  it('keeps the file that was named, wherever it goes afterwards', async () => {
    const file = newFile()
    const program = `
      import sqlite from '@sess/adapter-sqlite'
      process.chdir(process.argv[1])
      const store = sqlite({ file: 'sessions.sqlite' })
      process.chdir('/')
      await store.create('key', { data: 'data', expiresAt: ${entry('').expiresAt} })
    `
    await run(process.execPath, ['--input-type=module', '--eval', program, join(file, '..')], {
      cwd: import.meta.dirname,
    })
    expect(await openStore({ file }).read('key')).toMatchObject(entry('data'))
  })
})

describe('inspect', () => {
  it('shows nothing of what a store holds, nor where', async () => {
    const file = newFile()
    const store = openStore({ file })
    await succeed(store.create('thekey', entry('the data')))
    await store.read('thekey')
    expect(shown(store)).not.toMatch(/thekey|the data|sessions\.sqlite/)
  })
})
