import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { type Fault, FaultConnection, type Line } from './connection.js'
import { type Reservation, reserve } from './reservation.js'

export type { Fault } from './connection.js'

/** A TCP proxy between a client and a server. It passes everything on until a fault is set. */
export interface FaultProxy {
  /** `127.0.0.1` */
  readonly host: string
  /** The port that the proxy listens on. */
  readonly port: number
  /** `host:port` */
  readonly address: string
  /** How many connections of clients are open, on the client's side or the server's. */
  readonly connections: number
  /**
   * Replaces the fault. Resolves when the new fault is in force, for open connections too. Rejects with an `Error` if
   * the proxy is closed, or if its port was taken while it refused connections.
   */
  set(fault: Fault): Promise<void>
  /** Resets all connections and stops listening. Closing twice is not an error. */
  close(): Promise<void>
}

interface Target {
  readonly host: string
  readonly port: number
}

/**
 * Starts a proxy on a free port of 127.0.0.1. `target` is `host:port`, `[IPv6]:port`, or a port of 127.0.0.1. Rejects
 * with an `Error` for any other target.
 */
export async function startFaultProxy(target: string | number): Promise<FaultProxy> {
  const proxy = new TcpFaultProxy(parseTarget(target))
  await proxy.start()
  return proxy
}

function parseTarget(target: string | number): Target {
  const [, host = '127.0.0.1', digits] = /^(?:\[?(.+?)\]?:)?(\d+)$/.exec(String(target)) ?? []
  const port = Number(digits)
  if (port >= 1 && port <= 65_535) return { host, port }
  throw new Error(`The fault proxy cannot connect to ${JSON.stringify(target)}: expected host:port or a port.`)
}

/**
 * Systems give higher ports to outgoing connections, which could take the port while the proxy refuses. Servers often
 * have lower ones, and one that the suite restarts must find its port free.
 */
const FIRST_PORT = 30_000
const LAST_PORT = 32_767

class TcpFaultProxy implements FaultProxy {
  readonly host = '127.0.0.1'
  #port = 0
  #reservation: Reservation | undefined
  readonly #line: Line = { fault: 'none', replies: 0, connections: new Set() }
  readonly #server: Server
  #last: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(target: Target) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const server = connect({ ...target, allowHalfOpen: true, noDelay: true })
      this.#line.connections.add(new FaultConnection(client, server, this.#line))
    })
    // If a connection cannot be accepted, only its client must notice.
    this.#server.on('error', () => {})
  }

  get port(): number {
    return this.#port
  }

  get address(): string {
    return `${this.host}:${this.#port}`
  }

  get connections(): number {
    return this.#line.connections.size
  }

  async start(): Promise<void> {
    for (let tries = 1; this.#port === 0; tries++) {
      try {
        await this.#take(randomInt(FIRST_PORT, LAST_PORT + 1))
      } catch (error) {
        if (tries === 20) throw error
      }
    }
  }

  async #take(port: number): Promise<void> {
    const reservation = await reserve(port)
    try {
      await this.#listen(port)
    } catch (error) {
      reservation.release()
      throw error
    }
    this.#port = port
    this.#reservation = reservation
  }

  set(fault: Fault): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new Error('The fault proxy is closed.'))
    return this.#afterLast(() => this.#enforce(fault))
  }

  close(): Promise<void> {
    this.#closing ??= this.#afterLast(() => this.#end())
    return this.#closing
  }

  #afterLast(act: () => Promise<void>): Promise<void> {
    const done = this.#last.then(act)
    this.#last = done.catch(() => {})
    return done
  }

  async #enforce(fault: Fault): Promise<void> {
    if (fault === 'refuse') await this.#refuse()
    else if (!this.#server.listening) await this.#listenAgain()
    this.#line.fault = fault
    this.#line.replies = 0
    for (const connection of this.#line.connections) connection.enforce()
  }

  async #refuse(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const connection of this.#line.connections) connection.reset()
    await closed
  }

  async #end(): Promise<void> {
    await this.#refuse()
    this.#reservation?.release()
  }

  async #listenAgain(): Promise<void> {
    try {
      await this.#listen(this.#port)
    } catch (cause) {
      const taken = `Port ${this.#port} was taken by another socket while the fault proxy refused connections. Start another proxy.`
      throw new Error(taken, { cause })
    }
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, this.host)
    await once(this.#server, 'listening')
  }
}
