import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sqlite from '@sess/adapter-sqlite'
import { sessions } from '@sess/core'
import type { Finding } from '@sess/core/adapter'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SECRET } from '../../../tests/support/stores.ts'
import { checkSetUp } from '../src/set-up.ts'
import { mount } from './mounts.ts'
import { openRaw } from './raw.ts'
import { newFile, newFolder } from './stores.ts'

const DEADLINE = 1000

/** What an application is told about its store. */
async function check(file: string): Promise<readonly Finding[]> {
  const sess = sessions(sqlite, { secret: SECRET, owner: 'userId', file })
  onTestFinished(() => sess.close())
  return sess.check()
}

/** The list of a machine whose only file system is of that type, as Linux writes it. */
const only = (type: string): string => `27 1 0:40 / / rw,relatime - ${type} somewhere rw\n`

function told(code: string, message: RegExp): Finding {
  return { code, severity: 'warning', message: expect.stringMatching(message) }
}

/** A file that only its owner may read. */
function privateFile(): string {
  const file = newFile()
  writeFileSync(file, '', { mode: 0o600 })
  return file
}

describe('check says', () => {
  it('nothing of a private file on a local disk with room', async () => {
    expect(await checkSetUp(privateFile(), only('ext4'), DEADLINE)).toEqual([])
  })

  it('nothing of the place where the operating system does not tell', async () => {
    expect(await checkSetUp(privateFile(), '', DEADLINE)).toEqual([])
  })

  it('nothing of a file that the store has made, and leaves no session in it', async () => {
    const file = newFile()
    const found = await check(file)
    // Whoever runs the tests in a container has the files in its layer.
    expect(found.filter(({ code }) => code !== 'SQLITE_TEMPORARY')).toEqual([])
    expect(openRaw(file).prepare('SELECT count(*) AS n FROM sessions').get()).toEqual({ n: 0 })
  })

  it('SQLITE_TEMPORARY and SQLITE_ROOM of a small file system in memory', async (context) => {
    const folder = newFolder()
    mount(context, '-t', 'tmpfs', '-o', 'size=8m,mode=777', 'tmpfs', folder)
    expect(await check(join(folder, 'sessions.sqlite'))).toEqual([
      told('SQLITE_TEMPORARY', /in memory \(tmpfs\)/),
      told('SQLITE_ROOM', /has [67] MiB left\. .* Make room\.$/),
    ])
  })

  it("SQLITE_TEMPORARY of a file in a container's layer", async (context) => {
    const [base, merged] = [newFolder(), newFolder()]
    mount(context, '-t', 'tmpfs', '-o', 'mode=777', 'tmpfs', base)
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(base, name), { mode: 0o777 })
    const layers = `lowerdir=${base}/lower,upperdir=${base}/upper,workdir=${base}/work`
    mount(context, '-t', 'overlay', '-o', layers, 'overlay', merged)
    expect(await check(join(merged, 'sessions.sqlite'))).toContainEqual(
      told('SQLITE_TEMPORARY', /end with the container\. Mount a volume/),
    )
  })

  it.each(['nfs4', 'cifs', '9p', 'fuse.sshfs'])('SQLITE_REMOTE of a file on a remote file system: %s', async (type) => {
    expect(await checkSetUp(privateFile(), only(type), DEADLINE)).toEqual([
      told(
        'SQLITE_REMOTE',
        new RegExp(`remote file system \\(${type}\\), which the option acceptRemoteFileSystem allows`),
      ),
    ])
  })

  it.each([
    ['644', 0o644],
    ['602', 0o602],
  ])('SQLITE_MODE of a file with the mode %s', async (mode, bits) => {
    const file = newFile()
    writeFileSync(file, '')
    chmodSync(file, bits)
    expect(await check(file)).toContainEqual(told('SQLITE_MODE', new RegExp(`\\(mode ${mode}\\).*chmod o=`)))
  })

  it('nothing of a file that a group shares', async () => {
    const file = privateFile()
    chmodSync(file, 0o660)
    expect(await checkSetUp(file, only('ext4'), DEADLINE)).toEqual([])
  })

  it('CORRUPT of a file that is no database', async () => {
    const file = newFile()
    writeFileSync(file, 'This is a text, and no database at all.', { mode: 0o600 })
    expect(await check(file)).toEqual([
      {
        code: 'CORRUPT',
        severity: 'error',
        message: expect.stringContaining('Restore it, or delete it to start empty'),
      },
    ])
  })

  it('UNAVAILABLE of a folder that takes no files', async (context) => {
    const folder = newFolder()
    mount(context, '-t', 'tmpfs', '-o', 'ro', 'tmpfs', folder)
    expect(await check(join(folder, 'sessions.sqlite'))).toEqual([
      { code: 'UNAVAILABLE', severity: 'error', message: expect.stringContaining('cannot write its file') },
    ])
  })
})
