import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type Entry, newVersion, type Stored, type Version } from '@sess/core/adapter'

/** A request of a client, sent as one line of JSON. */
export type Request = { readonly scope: string } & (
  | { readonly method: 'create'; readonly key: string; readonly entry: Entry }
  /** `isLagging`: reads the replica, which shows the entries as they were `lag` milliseconds ago. */
  | { readonly method: 'read'; readonly key: string; readonly isLagging?: boolean }
  /** Writes regardless of what is under the key. */
  | { readonly method: 'put'; readonly key: string; readonly entry: Entry }
  | { readonly method: 'update'; readonly key: string; readonly entry: Entry; readonly version: Version }
  | { readonly method: 'destroy'; readonly key: string }
  /** Removes at most `STEP` entries that expired at or before `now`. */
  | { readonly method: 'prune'; readonly now: number }
)

export interface Reply {
  readonly version?: Version
  readonly stored?: Stored
  /** The bytes under the key are foreign. */
  readonly isForeign?: true
  /** The server is full or read-only. */
  readonly isRefused?: true
  /** How many entries `prune` removed. */
  readonly removed?: number
}

/** What is stored under a key: an entry, which the server drops at `until` by its own clock, or foreign bytes. */
export type Held = (Stored & { readonly until: number }) | Uint8Array

export const STEP = 100

export interface ServerOptions {
  /**
   * Returns when the server drops an entry, given what the key contained before, if anything. Without this option the
   * server drops no entries and must be pruned.
   */
  readonly until?: (entry: Entry, before: Held | undefined) => number
  /** Whether `prune` removes an entry. Default: if it expired at or before `now`. */
  readonly isDue?: (stored: Stored, now: number) => boolean
  /** Whether entries survive a restart. */
  readonly isDurable?: boolean
  /**
   * How many entries each scope, or the whole server, can hold. The server evicts the one that was written longest ago.
   * Default: no limit.
   */
  readonly capacity?: { readonly of: 'scope' | 'server'; readonly entries: number }
  /** How many milliseconds the server's clock is ahead. */
  readonly ahead?: number
  /** Whether the server is told a date, for an entry that expires in so many milliseconds. Default: how long it lives. */
  readonly isDate?: (left: number, before: Held | undefined) => boolean
  /** How many milliseconds the replica is behind. Default: there is no replica. */
  readonly lag?: number
}

/** What a key held from a time on. */
interface Change {
  readonly at: number
  readonly held: Held | undefined
}

/**
 * A backend that keeps the contract: entries per scope with compare-and-swap, over TCP on a free port of 127.0.0.1, or
 * through `answer` within the process.
 */
export class LineServer {
  /** `full`: only what removes an entry is carried out. `read-only`: only reads are. */
  mode: 'open' | 'full' | 'read-only' = 'open'
  readonly options: ServerOptions
  #port = 0
  readonly #scopes = new Map<string, Map<string, Held>>()
  /** The scope and key of each entry, the one written longest ago first. Empty unless there is a capacity. */
  readonly #order = new Map<string, readonly [scope: string, key: string]>()
  /** The changes of each key, newest last. Empty unless there is a replica. */
  readonly #changes = new Map<string, readonly Change[]>()
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  constructor(options: ServerOptions = {}) {
    this.options = options
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket))
  }

  /** `host:port` */
  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  /** Listens, on the same port as before if it listened before. */
  async start(): Promise<void> {
    if (this.#server.listening) return
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    if (typeof address === 'object' && address !== null) this.#port = address.port
  }

  /** Drops all connections and accepts no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Drops all connections and, unless the server is durable, all entries. */
  restart(): void {
    for (const socket of this.#sockets) socket.destroy()
    if (this.options.isDurable === true) return
    this.#scopes.clear()
    this.#changes.clear()
  }

  plant(scope: string, key: string, bytes: Uint8Array): void {
    this.#hold(scope, key, bytes)
  }

  evict(scope: string): void {
    this.#scopes.delete(scope)
  }

  entriesOf(scope: string): Map<string, Held> {
    const entries = this.#scopes.get(scope) ?? new Map<string, Held>()
    this.#scopes.set(scope, entries)
    return entries
  }

  get scopes(): readonly string[] {
    return [...this.#scopes.keys()]
  }

  held(scope: string, key: string): Held | undefined {
    const held = this.entriesOf(scope).get(key)
    if (held === undefined || held instanceof Uint8Array || held.until > Date.now()) return held
    this.entriesOf(scope).delete(key)
    return undefined
  }

  /** The entry under a key, unless the bytes are foreign. */
  stored(scope: string, key: string): (Stored & { readonly until: number }) | undefined {
    const held = this.held(scope, key)
    return held instanceof Uint8Array ? undefined : held
  }

  /** Stores an entry regardless of what is under the key. */
  put(scope: string, key: string, entry: Entry): Version {
    const { data, expiresAt } = entry
    const version = newVersion()
    const before = this.held(scope, key)
    const isDate = this.options.isDate?.(expiresAt - Date.now(), before) ?? false
    // `expiresAt` is a time of the writer's clock. A server whose clock is ahead reaches it sooner.
    const until = (this.options.until?.(entry, before) ?? Infinity) - (isDate ? (this.options.ahead ?? 0) : 0)
    this.#hold(scope, key, { data, expiresAt, version, until })
    return version
  }

  #hold(scope: string, key: string, held: Held): void {
    this.entriesOf(scope).set(key, held)
    this.#note(scope, key)
    const { capacity } = this.options
    if (capacity === undefined) return
    const place = `${scope}/${key}`
    this.#order.delete(place)
    this.#order.set(place, [scope, key])
    const alike = [...this.#order.values()].filter((other) => capacity.of === 'server' || other[0] === scope)
    const [oldest] = alike
    if (oldest === undefined || alike.length <= capacity.entries) return
    this.#order.delete(oldest.join('/'))
    this.#drop(...oldest)
  }

  #drop(scope: string, key: string): void {
    this.entriesOf(scope).delete(key)
    this.#note(scope, key)
  }

  /** Passes what is under the key to the replica. */
  #note(scope: string, key: string): void {
    if (this.options.lag === undefined) return
    const change = { at: Date.now(), held: this.entriesOf(scope).get(key) }
    this.#changes.set(`${scope}/${key}`, [...(this.#changes.get(`${scope}/${key}`) ?? []), change])
  }

  #replicated(scope: string, key: string): Held | undefined {
    const known = Date.now() - (this.options.lag ?? 0)
    return this.#changes.get(`${scope}/${key}`)?.findLast(({ at }) => at <= known)?.held
  }

  answer(request: Request): Reply {
    const { scope } = request
    if (this.mode === 'read-only' && request.method !== 'read') return { isRefused: true }
    if (this.mode === 'full' && 'entry' in request && request.entry.expiresAt > Date.now()) return { isRefused: true }
    switch (request.method) {
      case 'create':
        return this.held(scope, request.key) ? {} : { version: this.put(scope, request.key, request.entry) }
      case 'read':
        return replyWith(
          request.isLagging === true ? this.#replicated(scope, request.key) : this.held(scope, request.key),
        )
      case 'put':
        return { version: this.put(scope, request.key, request.entry) }
      case 'update': {
        const isCurrent = this.stored(scope, request.key)?.version === request.version
        return isCurrent ? { version: this.put(scope, request.key, request.entry) } : {}
      }
      case 'destroy':
        this.#drop(scope, request.key)
        return {}
      default:
        return { removed: this.#prune(scope, request.now) }
    }
  }

  #prune(scope: string, now: number): number {
    const entries = this.entriesOf(scope)
    const isDue = this.options.isDue ?? (({ expiresAt }: Stored) => expiresAt <= now)
    let removed = 0
    for (const [key, held] of entries) {
      if (held instanceof Uint8Array || !isDue(held, now)) continue
      this.#drop(scope, key)
      if (++removed === STEP) break
    }
    return removed
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    onLines(socket, (line) => {
      const { id, ...request }: Request & { id: number } = JSON.parse(line)
      socket.write(`${JSON.stringify({ id, ...this.answer(request) })}\n`)
    })
  }
}

function replyWith(held: Held | undefined): Reply {
  if (held === undefined) return {}
  if (held instanceof Uint8Array) return { isForeign: true }
  const { data, expiresAt, version } = held
  return { stored: { data, expiresAt, version } }
}

/** Calls `take` for each whole line that a socket receives. */
export function onLines(socket: Socket, take: (line: string) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
}
