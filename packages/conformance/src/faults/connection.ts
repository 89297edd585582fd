import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'

/**
 * A fault between a client and its server. The proxy knows no protocol: on each connection, a reply begins with the
 * first bytes from the server after bytes from the client.
 */
export type Fault =
  /** Everything passes. */
  | 'none'
  /** Open connections are reset and new ones are refused: nothing listens on the port. */
  | 'refuse'
  /**
   * Connections are accepted and all bytes are swallowed. A connection that lost bytes stays silent after the fault, as
   * if a firewall had dropped its state. The other connections work again.
   */
  | 'blackhole'
  /** Requests reach the server. Instead of a reply, the client's connection is closed. */
  | 'lose replies'
  /** Like `lose replies`, but half of the reply's first bytes are passed on. Of a single byte, none is. */
  | 'cut replies'
  /** Each reply begins that many milliseconds late. */
  | { readonly delay: number }
  /**
   * Like `lose replies`, for the replies for which the function returns true. It is called when a reply begins.
   * `request` is what the client sent on that connection since the previous reply began. `index` counts from 0 the
   * replies on all connections since the fault was set.
   */
  | { readonly loseReplyTo: (request: Buffer, index: number) => boolean }

/** State that the connections of a proxy share. */
export interface Line {
  fault: Fault
  /** How many replies have begun since the fault was set. */
  replies: number
  readonly connections: Set<FaultConnection>
}

/** A client's connection, joined to a connection to the server. */
export class FaultConnection {
  readonly #client: Socket
  readonly #server: Socket
  readonly #line: Line
  /** `silent`: bytes were swallowed, so no more may pass. `cut`: all later bytes are dropped. */
  #state: 'open' | 'silent' | 'cut' = 'open'
  /** What the client sent since the last reply began. */
  readonly #request: Buffer[] = []
  #late: { readonly chunk: Buffer; readonly timer: NodeJS.Timeout } | undefined

  constructor(client: Socket, server: Socket, line: Line) {
    this.#client = client
    this.#server = server
    this.#line = line
    client.on('data', (chunk: Buffer) => this.#passRequest(chunk))
    client.on('drain', () => server.resume())
    client.on('end', () => this.#endRequests())
    server.on('data', (chunk: Buffer) => this.#passReply(chunk))
    server.on('drain', () => client.resume())
    server.on('end', () => this.#endReplies())
    // 'close' follows every error, and its handlers clean up.
    for (const socket of [client, server]) socket.on('error', () => {})
    client.on('close', () => this.#afterClient())
    server.on('close', () => this.#afterServer())
  }

  /** Applies a new fault to what is already under way. */
  enforce(): void {
    this.#passLate()
    if (this.#line.fault === 'blackhole') {
      this.#client.resume()
      this.#server.resume()
    } else if (this.#state === 'silent' && this.#client.readableEnded) {
      this.reset()
    }
  }

  reset(): void {
    this.#state = 'cut'
    this.#client.resetAndDestroy()
    this.#server.destroy()
  }

  #passRequest(chunk: Buffer): void {
    if (this.#state === 'cut' || this.#swallows()) return
    this.#request.push(chunk)
    if (!this.#server.write(chunk)) this.#client.pause()
  }

  #passReply(chunk: Buffer): void {
    const { fault } = this.#line
    const request = this.#request.splice(0)
    if (this.#state !== 'open' || typeof fault === 'string' || request.length === 0) this.#pass(chunk)
    else if ('delay' in fault) this.#delay(chunk, fault.delay)
    else if (fault.loseReplyTo(Buffer.concat(request), this.#line.replies++)) this.#cut()
    else this.#pass(chunk)
  }

  #pass(chunk: Buffer): void {
    if (this.#state === 'cut' || this.#swallows()) return
    const { fault } = this.#line
    if (fault === 'lose replies') this.#cut()
    else if (fault === 'cut replies') this.#cut(chunk.subarray(0, chunk.length >> 1))
    else if (this.#client.write(chunk)) this.#server.resume()
    else this.#server.pause()
  }

  #delay(chunk: Buffer, ms: number): void {
    this.#server.pause()
    this.#late = { chunk, timer: setTimeout(() => this.#passLate(), ms) }
  }

  #passLate(): void {
    const chunk = this.#dropLate()
    if (chunk === undefined) return
    this.#pass(chunk)
    if (this.#server.readableEnded) this.#endReplies()
  }

  #dropLate(): Buffer | undefined {
    const late = this.#late
    clearTimeout(late?.timer)
    this.#late = undefined
    return late?.chunk
  }

  #cut(part?: Buffer): void {
    this.#state = 'cut'
    if (part === undefined) this.#client.destroy()
    else this.#client.end(part)
  }

  #swallows(): boolean {
    if (this.#state === 'open' && this.#line.fault === 'blackhole') this.#state = 'silent'
    return this.#state === 'silent'
  }

  #endRequests(): void {
    if (!this.#swallows()) this.#server.end()
    // A blackhole does not answer the end of a connection either.
    else if (this.#line.fault !== 'blackhole') this.reset()
  }

  #endReplies(): void {
    // A paused socket still emits 'end': a delayed reply must go out first.
    if (this.#late === undefined && !this.#swallows()) this.#client.end()
  }

  #afterClient(): void {
    this.#state = 'cut'
    this.#dropLate()
    // Destroying the socket would drop bytes that are still on their way to the server.
    this.#server.end()
    this.#server.resume()
    this.#leave()
  }

  #afterServer(): void {
    if (this.#state !== 'cut' && !this.#swallows() && !this.#server.readableEnded) this.reset()
    this.#leave()
  }

  #leave(): void {
    if (this.#client.closed && this.#server.closed) this.#line.connections.delete(this)
  }
}
