import { readFileSync } from 'node:fs'

/** A file system in the tree of folders. */
export interface Mount {
  readonly point: string
  /** The kernel's name for the kind of file system, such as `ext4` or `fuse.sshfs`. */
  readonly type: string
}

interface Line extends Mount {
  readonly id: string
  readonly parent: string
}

/**
 * The mount that a path is on. The path is absolute and has no links. `mountinfo`: the text of `/proc/self/mountinfo`,
 * or `''`. `undefined`: it does not say.
 */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
  const lines = mountinfo.split('\n').flatMap(parse)
  const ids = new Set(lines.map(({ id }) => id))
  const isRoot = ({ id, parent }: Line): boolean => id === parent || !ids.has(parent)
  // A mount hides the deeper ones that were there before it. So this walks as the kernel does: from what is the root for
  // this process, to the mount on it that comes first on the way to the path.
  let found: Line | undefined
  let next = lines.filter(isRoot)
  for (;;) {
    const onTheWay = next.filter(({ point }) => contains(point, path))
    const [first] = onTheWay.toSorted((one, other) => one.point.length - other.point.length)
    if (first === undefined) return found
    found = first
    next = lines.filter((line) => line.parent === first.id && !isRoot(line))
  }
}

/** One line, as proc_pid_mountinfo(5) describes it. Nothing for a line that is not one. */
function parse(line: string): readonly Line[] {
  const fields = line.split(' ')
  const [id, parent, , , point] = fields
  // A lone hyphen ends the optional fields. The type follows.
  const hyphen = fields.indexOf('-', 6)
  const type = hyphen < 0 ? undefined : fields[hyphen + 1]
  if (id === undefined || parent === undefined || point === undefined || type === undefined) return []
  const unescaped = point.replaceAll(/\\([0-7]{3})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  )
  return [{ id, parent, point: unescaped, type }]
}

function contains(point: string, path: string): boolean {
  return path === point || path.startsWith(point === '/' ? point : `${point}/`)
}

/** The text of `/proc/self/mountinfo`. `''`: this is not Linux, or the process may not read it. */
export function readMounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
  } catch {
    return ''
  }
}
