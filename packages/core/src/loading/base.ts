import { resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Base, isFolder } from './resolve.js'

/** Where to look: only from `from` if it is given; otherwise from the calling file, then the working directory. */
export function basesOf(from: string | URL | undefined, caller: string | undefined): readonly Base[] {
  if (from !== undefined) return [baseOf(from)]
  const workingDirectory = baseOf(process.cwd())
  return caller === undefined ? [workingDirectory] : [baseOf(caller), workingDirectory]
}

/** `from` is a URL or a path, of a file (`import.meta.url`, `__filename`) or a folder. */
function baseOf(from: string | URL): Base {
  const path = from instanceof URL || from.startsWith('file:') ? fileURLToPath(from) : resolve(from)
  return isFolder(path) ? `${path.replace(/[/\\]$/, '')}${sep}` : path
}
