/** A command of memcached's text protocol. */
export interface Command {
  /** `''`: it has none. */
  readonly key: string
  readonly text: string
  /** The heads of the expected replies. `SERVER_ERROR` is possible too. */
  readonly replies: readonly string[]
  /** The reply is a list of lines, which are its value. */
  readonly isList?: true
}

/** A server's reply to a command. */
export interface Reply {
  /** The first line. If a value follows, only `VALUE` and its key. */
  readonly head: string
  readonly value?: Buffer
  /** The number that the server gave this value, in a reply to `gets`. */
  readonly cas?: string | undefined
  /** The length of the whole reply, in bytes. */
  readonly length: number
}

/** memcached reads an expiry of up to this many seconds as relative to now, and 0 as never. */
const LONGEST_RELATIVE = 30 * 24 * 60 * 60
/** How many seconds the server's clock may be ahead of ours where it is told a date. */
const MARGIN = 30 * 60
/** The latest expiry that memcached accepts, in epoch seconds (2038). */
const LATEST = 2 ** 31 - 1

const VALUE = /^(VALUE \S+) \d+ (\d+)(?: (\d+))?$/
const AFTER_VALUE = '\r\nEND\r\n'

export function get(key: string): Command {
  return { key, text: `get ${key}\r\n`, replies: ['END', `VALUE ${key}`] }
}

/** Like `get`, with `cas` in the reply. */
export function gets(key: string): Command {
  return { key, text: `gets ${key}\r\n`, replies: ['END', `VALUE ${key}`] }
}

export function add(key: string, value: string, expiresAt: number): Command {
  const text = `add ${key} 0 ${exptimeOf(expiresAt)} ${Buffer.byteLength(value)}\r\n${value}\r\n`
  return { key, text, replies: ['STORED', 'NOT_STORED'] }
}

/** Replaces the value if `cas` is still its number. */
export function swap(key: string, value: string, expiresAt: number, cas: string): Command {
  const text = `cas ${key} 0 ${exptimeOf(expiresAt)} ${Buffer.byteLength(value)} ${cas}\r\n${value}\r\n`
  return { key, text, replies: ['STORED', 'EXISTS', 'NOT_FOUND'] }
}

/** Deletes the value if `cas` is still its number. `ERROR`: memcached is older than 1.6. */
export function removeIf(key: string, cas: string): Command {
  return { key, text: `md ${key} C${cas}\r\n`, replies: ['HD', 'EX', 'NF', 'ERROR'] }
}

export function remove(key: string): Command {
  return { key, text: `delete ${key}\r\n`, replies: ['DELETED', 'NOT_FOUND'] }
}

/** Asks for numbers of the server. `group`: `''` or `' settings'`. */
export function stats(group: string): Command {
  return { key: '', text: `stats${group}\r\n`, replies: ['STAT'], isList: true }
}

/**
 * A number of seconds, since the server's clock may differ from ours. Beyond 30 days memcached takes only a date. It is
 * rounded up, and two seconds are added: the server's clock ticks once a second, and is rounded down.
 */
function exptimeOf(expiresAt: number): number {
  const now = Date.now()
  if (expiresAt <= now) return -1
  const left = Math.ceil((expiresAt - now) / 1000) + 2
  return left <= LONGEST_RELATIVE ? left : Math.min(Math.ceil(expiresAt / 1000) + MARGIN, LATEST)
}

/** The reply to `command` at the start of `bytes`. `undefined`: it has not arrived completely. */
export function readReply(bytes: Buffer, command?: Command): Reply | undefined {
  if (command?.isList && bytes.indexOf('STAT ') === 0) {
    const last = bytes.indexOf(AFTER_VALUE)
    return last < 0 ? undefined : { head: 'STAT', value: bytes.subarray(0, last), length: last + AFTER_VALUE.length }
  }
  const start = bytes.indexOf('\n') + 1
  if (start === 0) return undefined
  const line = bytes.toString('latin1', 0, start - 2)
  const [, head, size, cas] = VALUE.exec(line) ?? []
  if (head === undefined) return { head: line, length: start }
  // The length decides where the value ends, since a value may look like a reply.
  const end = start + Number(size)
  const length = end + AFTER_VALUE.length
  if (bytes.length < length) return undefined
  const isWhole = bytes.toString('latin1', end, length) === AFTER_VALUE
  return { head: isWhole ? head : line, value: bytes.subarray(start, end), cas, length }
}
