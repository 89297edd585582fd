import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sqlite from '@sess/adapter-sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { entry, openUntyped, succeed } from '../../../tests/support/stores.ts'
import { newFile, newFolder, openStore } from './stores.ts'

const file = '/a-folder/sessions.sqlite'

describe('7.6 options', () => {
  it.each([
    ['sqlite', undefined, 'missing'],
    ['sqlite', 'hunter2', 'a string of 7 characters'],
    ['sqlite.file', { file: undefined }, 'missing'],
    ['sqlite.file', { file: null }, 'null'],
    ['sqlite.file', { file: '' }, 'an empty string'],
    ['sqlite.file', { file: ':memory:' }, 'a string of 8 characters'],
    ['sqlite.file', { file: 'file:hunter2' }, 'a string of 12 characters'],
    ['sqlite.file', { file: ' hunter2' }, 'a string of 8 characters'],
    ['sqlite.file', { file: 'hunter2\0' }, 'a string of 8 characters'],
    ['sqlite.file', { file: new URL('https://hunter2.example/sessions.sqlite') }, 'an object'],
    ['sqlite.file', { file: 5 }, '5'],
    ['sqlite.table', { table: '' }, 'an empty string'],
    ['sqlite.table', { table: 'Sessions' }, 'a string of 8 characters'],
    ['sqlite.table', { table: 'sqlite_hunter2' }, 'a string of 14 characters'],
    ['sqlite.table', { table: 'a; DROP TABLE hunter2' }, 'a string of 21 characters'],
    ['sqlite.table', { table: '"hunter2"' }, 'a string of 9 characters'],
    ['sqlite.table', { table: 'sessions-hunter2' }, 'a string of 16 characters'],
    ['sqlite.durability', { durability: 'off' }, 'a string of 3 characters'],
    ['sqlite.durability', { durability: true }, 'true'],
    ['sqlite.acceptRemoteFileSystem', { acceptRemoteFileSystem: 'hunter2' }, 'a string of 7 characters'],
    ['sqlite.deadline', { deadline: 0 }, '0'],
    ['sqlite.deadline', { deadline: 2 ** 31 }, '2147483648'],
    ['sqlite.deadline', { deadline: 1.5 }, '1.5'],
    ['sqlite.maxBytes', { maxBytes: -1 }, '-1'],
    ['sqlite.maxBytes', { maxBytes: 2 ** 40 }, '1099511627776'],
  ])('%s of %j is refused', (path, options, given) => {
    const isWhole = typeof options !== 'object' || path === 'sqlite.file'
    const open = () => openUntyped(sqlite, isWhole ? options : { file: newFile(), ...options })
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(`Option ${path} is ${given}; expected `)
    expect(open).not.toThrow(/hunter2/)
  })

  it('of an unknown name are refused, and those there are named', () => {
    const open = () => openUntyped(sqlite, { path: file })
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(/path.*file, table, durability, acceptRemoteFileSystem, deadline, maxBytes/)
  })

  it.each(['no', 'a file, not a'])('name no file where there is %s folder', (what) => {
    const folder = join(newFolder(), 'hunter2')
    if (what !== 'no') writeFileSync(folder, '')
    const open = () => openStore({ file: join(folder, 'sessions.sqlite') })
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow('Option sqlite.file names a file in a folder that does not exist; create the folder first.')
    expect(open).not.toThrow(/hunter2/)
  })

  it('name sessions.sqlite in the working directory, where they name no file', async () => {
    const folder = newFolder()
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder)
    onTestFinished(() => cwd.mockRestore())
    await succeed(openUntyped(sqlite, {}).create('key', entry('data')))
    expect(existsSync(join(folder, 'sessions.sqlite'))).toBe(true)
  })

  it('take a file: URL', async () => {
    const path = newFile()
    await succeed(openStore({ file: pathToFileURL(path) }).create('key', entry('data')))
    expect(await openStore({ file: path }).read('key')).toMatchObject(entry('data'))
  })

  it('have defaults, and those given are the store’s', () => {
    expect(openStore()).toMatchObject({ name: 'sqlite', deadline: 1000, maxBytes: 2 ** 20 })
    expect(openStore({ deadline: 50, maxBytes: 100 })).toMatchObject({ deadline: 50, maxBytes: 100 })
    expect(openStore().lacks).toBeUndefined()
  })
})
