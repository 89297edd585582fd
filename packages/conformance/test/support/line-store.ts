import { connect, type Socket } from 'node:net'
import {
  type Adapter,
  corrupt,
  integer,
  invalidOption,
  type Lack,
  optional,
  readOptions,
  type ServerStore,
  serverStore,
  text,
  unavailable,
} from '@sess/core/adapter'
import { type LineServer, onLines, type Reply, type Request, STEP } from './line-server.ts'

export interface LineOptions {
  readonly scope?: string
  /** `host:port` of the server, or of a proxy in front of it. */
  readonly address?: string
  /** A client of the caller, used instead of a new one. */
  readonly client?: Line
  /** In milliseconds. */
  readonly deadline?: number
  /** The server asks for none. */
  readonly password?: string
}

/** Milliseconds: longer than a busy machine keeps a process from running, so that no deadline passes by accident. */
export const DEADLINE = 1500
export const MAX_BYTES = 2 ** 15

/** The error message of a call whose connection the server has ended. */
export const REPLY_LOST = 'the server has ended the connection'

/** A client of the server. */
export interface Line {
  readonly isOpen: boolean
  /** Rejects if no reply came. */
  call(request: Request): Promise<Reply>
  /** Gives up the connection: calls under way reject, and the next call opens another connection. */
  drop(): void
  close(): void
}

/** A client with one connection, which it opens on first use and again after a loss. It never resends. */
export class WireLine implements Line {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>()
  #socket: Socket | undefined
  #calls = 0

  constructor(address: string) {
    const [host = '', port] = address.split(':')
    this.#target = { host, port: Number(port) }
  }

  get isOpen(): boolean {
    return this.#socket !== undefined
  }

  call(request: Request): Promise<Reply> {
    this.#socket ??= this.#connect()
    const id = ++this.#calls
    this.#socket.write(`${JSON.stringify({ id, ...request })}\n`)
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  drop(): void {
    this.#lose(this.#socket, new Error('the connection was given up'))
  }

  close(): void {
    this.#lose(this.#socket, new Error('the client is closed'))
  }

  #connect(): Socket {
    const socket = connect({ ...this.#target, noDelay: true })
    onLines(socket, (line) => {
      const { id, ...reply }: Reply & { id: number } = JSON.parse(line)
      this.#waiting.get(id)?.resolve(reply)
      this.#waiting.delete(id)
    })
    socket.on('error', (error) => this.#lose(socket, error))
    socket.on('end', () => this.#lose(socket, new Error(REPLY_LOST)))
    socket.on('close', () => this.#lose(socket, new Error('the connection is closed')))
    return socket
  }

  #lose(socket: Socket | undefined, error: Error): void {
    if (socket === undefined || socket !== this.#socket) return
    this.#socket = undefined
    socket.destroy()
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(error)
  }
}

/** A client that calls the server in the process, without the delays and failures of a wire. */
export class DirectLine implements Line {
  readonly isOpen = true
  readonly #server: LineServer

  constructor(server: LineServer) {
    this.#server = server
  }

  call(request: Request): Promise<Reply> {
    return Promise.resolve().then(() => this.#server.answer(request))
  }

  drop(): void {}

  close(): void {}
}

/** What `lineAdapter` needs. */
export interface Wiring {
  readonly server: LineServer
  readonly lacks: readonly Lack[]
  readonly lineTo?: (address: string) => Line
}

/** A correct adapter for a server, written like any other adapter. */
export function lineAdapter({ server, lacks, lineTo }: Wiring): Adapter<LineOptions> {
  const open = lineTo ?? ((address) => (address === server.address ? new DirectLine(server) : new WireLine(address)))
  return (options) => {
    const { client, ...read } = readOptions('line', options, {
      scope: optional(text(), 'default'),
      address: optional(text({ pattern: /^[\w.]+:\d+$/, expected: 'host:port' }), server.address),
      client: optional(isLine),
      deadline: optional(integer({ max: 60_000 }), DEADLINE),
      password: optional(text(), ''),
    })
    const line = client ?? open(read.address)
    return storeOn(line, { ...read, isOwn: client === undefined, lacks, isPruned: server.options.until === undefined })
  }
}

function isLine(value: unknown, path: string): Line {
  if (value instanceof WireLine || value instanceof DirectLine) return value
  throw invalidOption(path, value, 'a line to a server')
}

interface Settings {
  readonly scope: string
  readonly deadline: number
  readonly lacks: readonly Lack[]
  readonly isOwn: boolean
  readonly isPruned: boolean
}

function storeOn(line: Line, { scope, deadline, lacks, isOwn, isPruned }: Settings): ServerStore {
  const call = async (request: Request): Promise<Reply> => {
    const reply = await line.call(request)
    if (reply.isRefused) throw unavailable('line')
    return reply
  }
  return serverStore({
    name: 'line',
    maxBytes: MAX_BYTES,
    deadline,
    lacks,
    create: async (key, entry) => (await call({ method: 'create', scope, key, entry })).version ?? null,
    async read(key) {
      const { stored, isForeign } = await call({ method: 'read', scope, key })
      if (isForeign) throw corrupt('line')
      return stored ?? null
    },
    update: async (key, entry, version) =>
      (await call({ method: 'update', scope, key, entry, version })).version ?? null,
    async destroy(key) {
      await call({ method: 'destroy', scope, key })
    },
    ...(isPruned && {
      async *prune(now: number) {
        for (let removed = STEP; removed === STEP;) {
          ;({ removed = 0 } = await call({ method: 'prune', scope, now }))
          yield removed
        }
      },
    }),
    async check() {
      await call({ method: 'read', scope, key: 'check' })
      return []
    },
    onTimeout: () => line.drop(),
    close: async () => {
      if (isOwn) line.close()
    },
  })
}
