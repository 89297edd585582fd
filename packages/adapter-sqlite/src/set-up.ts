import { stat, statfs } from 'node:fs/promises'
import { type Finding, within } from '@sess/core/adapter'
import { fileSystemOf, isRemote } from './placement.js'

/** File systems that end with the machine or with the container. */
const TEMPORARY: ReadonlyMap<string, string> = new Map([
  ['tmpfs', 'in memory (tmpfs), so a restart of the machine or of the container ends all sessions. Put it on a disk.'],
  ['ramfs', 'in memory (ramfs), so a restart of the machine ends all sessions. Put it on a disk.'],
  [
    'overlay',
    "in a container's own layer (overlay), so all sessions end with the container. Mount a volume: in Docker -v sessions:/data.",
  ],
])

/** The least room on the disk, in bytes: the file and its log grow by this in a burst of logins. */
const LEAST_ROOM = 64 * 2 ** 20

/** What every user of the machine may do with a file. */
const OTHERS = 0o007

/** What is wrong with the place of a file that exists. `mountinfo`: what `mountOf` takes. `deadline` in milliseconds. */
export async function checkSetUp(file: string, mountinfo: string, deadline: number): Promise<readonly Finding[]> {
  // A remote file system may not answer.
  const [{ bavail, bsize }, { mode }] = await within('sqlite', deadline, Promise.all([statfs(file), stat(file)]))
  return [...checkFileSystem(file, mountinfo), ...checkRoom(bavail * bsize), ...checkMode(mode)]
}

function checkFileSystem(file: string, mountinfo: string): readonly Finding[] {
  const mount = fileSystemOf(file, mountinfo)
  if (mount === undefined) return []
  const where = TEMPORARY.get(mount.type)
  if (where !== undefined) return [warning('SQLITE_TEMPORARY', `The file of the sqlite store is ${where}`)]
  if (!isRemote(mount)) return []
  const text = `The file of the sqlite store is on a remote file system (${mount.type}), which the option acceptRemoteFileSystem allows. If a second process opens it, sessions get lost and the file gets damaged.`
  return [warning('SQLITE_REMOTE', text)]
}

function checkRoom(bytes: number): readonly Finding[] {
  if (bytes >= LEAST_ROOM) return []
  const text = `The disk of the sqlite store has ${Math.floor(bytes / 2 ** 20)} MiB left. When it is full, nobody can log in or out. Make room.`
  return [warning('SQLITE_ROOM', text)]
}

/** Windows has no such modes: there, every file looks as if its owner alone could write it. */
function checkMode(mode: number): readonly Finding[] {
  if (process.platform === 'win32' || (mode & OTHERS) === 0) return []
  const text = `Every user of this machine may read or write the file of the sqlite store (mode ${(mode & 0o777).toString(8)}). Take the right away: chmod o= FILE, and the same for FILE-wal and FILE-shm.`
  return [warning('SQLITE_MODE', text)]
}

function warning(code: string, message: string): Finding {
  return { code, severity: 'warning', message }
}
