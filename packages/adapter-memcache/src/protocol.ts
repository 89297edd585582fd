/** A command of memcached's text protocol. */
export interface Command {
  readonly key: string
  readonly text: string
  /** The heads of the replies that it may have, beside `SERVER_ERROR`. */
  readonly replies: readonly string[]
}

/** What a server answers to a command. */
export interface Reply {
  /** The first line; where a value follows, `VALUE` and its key alone. */
  readonly head: string
  readonly value?: Buffer
  /** The server's number of that value, where it was asked for. */
  readonly cas?: string | undefined
  /** In bytes, the whole reply. */
  readonly length: number
}

/** Up to so many seconds, memcached takes an expiry for a time from now, and 0 for never. */
const LONGEST_RELATIVE = 30 * 24 * 60 * 60
/** The last second that it counts to, in 2038. */
const LATEST = 2 ** 31 - 1

const VALUE = /^(VALUE \S+) \d+ (\d+)(?: (\d+))?$/
const AFTER_VALUE = '\r\nEND\r\n'

export function get(key: string): Command {
  return { key, text: `get ${key}\r\n`, replies: ['END', `VALUE ${key}`] }
}

/** As `get`, with `cas` in the reply. */
export function gets(key: string): Command {
  return { key, text: `gets ${key}\r\n`, replies: ['END', `VALUE ${key}`] }
}

export function add(key: string, value: string, expiresAt: number): Command {
  const text = `add ${key} 0 ${seconds(expiresAt)} ${Buffer.byteLength(value)}\r\n${value}\r\n`
  return { key, text, replies: ['STORED', 'NOT_STORED'] }
}

/** Replaces the value that `cas` is the number of. */
export function swap(key: string, value: string, expiresAt: number, cas: string): Command {
  const text = `cas ${key} 0 ${seconds(expiresAt)} ${Buffer.byteLength(value)} ${cas}\r\n${value}\r\n`
  return { key, text, replies: ['STORED', 'EXISTS', 'NOT_FOUND'] }
}

export function remove(key: string): Command {
  return { key, text: `delete ${key}\r\n`, replies: ['DELETED', 'NOT_FOUND'] }
}

/** In whole seconds, and one more: the server's clock ticks once a second at a moment of its own, and may be ahead. */
function seconds(expiresAt: number): number {
  const second = Math.min(Math.ceil(expiresAt / 1000) + 1, LATEST)
  return second > LONGEST_RELATIVE ? second : -1
}

/** The reply that `bytes` begin with; `undefined` until all of it is there. */
export function readReply(bytes: Buffer): Reply | undefined {
  const start = bytes.indexOf('\n') + 1
  if (start === 0) return undefined
  const line = bytes.toString('latin1', 0, start - 2)
  const [, head, size, cas] = VALUE.exec(line) ?? []
  if (head === undefined) return { head: line, length: start }
  // By its length, since what lies under a key may look like a reply.
  const end = start + Number(size)
  const length = end + AFTER_VALUE.length
  if (bytes.length < length) return undefined
  const isWhole = bytes.toString('latin1', end, length) === AFTER_VALUE
  return { head: isWhole ? head : line, value: bytes.subarray(start, end), cas, length }
}
