import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { EMPTY_TABLE, FILL_TABLE } from './full-table.ts'
import { mount } from './mounts.ts'
import { openRaw } from './raw.ts'
import { newFile, newFolder } from './stores.ts'

/** Where a store can have its file, and where it then finds no room. */
export interface SmallDisk {
  readonly file: string
  /** Leaves no room. It may be called again. */
  readonly fill: () => void
  /** Makes room. */
  readonly free: () => void
}

/** A file system of 8 MB. It is in memory, so that each byte that is freed is free at once. */
export function smallFileSystem(context: TestContext): SmallDisk {
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

/** A file where each write to the table `sessions` fails as on a full disk. It needs no right to mount. */
export function fileWithFullTable(): SmallDisk {
  const file = newFile()
  return {
    file,
    fill: () => void openRaw(file).exec(FILL_TABLE),
    free: () => void openRaw(file).exec(EMPTY_TABLE),
  }
}
