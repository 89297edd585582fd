import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'

/**
 * What goes wrong between a client and its server. The proxy knows no protocol: on each connection, a reply begins with
 * the first bytes from the server after bytes from the client.
 */
export type Fault =
  /** Everything passes. */
  | 'none'
  /** Open connections are reset and new ones refused: nothing listens on the port. */
  | 'refuse'
  /**
   * Connections are accepted and all bytes swallowed. A connection that lost some stays silent when the fault is over,
   * as after a firewall has forgotten it; the others go on.
   */
  | 'blackhole'
  /** What is sent reaches the server. Instead of a reply the client finds its connection closed. */
  | 'lose replies'
  /** As `lose replies`, after half of the bytes that came first; of a single byte, none. */
  | 'cut replies'
  /** Each reply begins that many milliseconds late. */
  | { readonly delay: number }
  /**
   * As `lose replies`, for the replies that it says. It is asked when a reply begins: `request` is what the client sent
   * on that connection since the last one began, `index` counts the replies on all connections since the fault was set.
   */
  | { readonly loseReplyTo: (request: Buffer, index: number) => boolean }

/** What the connections of a proxy share. */
export interface Line {
  fault: Fault
  /** That have begun since the fault was set. */
  replies: number
  readonly connections: Set<FaultConnection>
}

/** A connection of a client, and the one to the server that it is joined to. */
export class FaultConnection {
  readonly #client: Socket
  readonly #server: Socket
  readonly #line: Line
  /** `silent`: bytes were swallowed, so that no more may pass. `cut`: what still comes is of no interest. */
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
    // 'close' follows, and is where errors are handled.
    for (const socket of [client, server]) socket.on('error', () => {})
    client.on('close', () => this.#afterClient())
    server.on('close', () => this.#afterServer())
  }

  /** What is under way when the fault changes meets the new one. */
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
    // In a blackhole the client's farewell is not answered either.
    else if (this.#line.fault !== 'blackhole') this.reset()
  }

  #endReplies(): void {
    // A socket that is paused still tells of its end.
    if (this.#late === undefined && !this.#swallows()) this.#client.end()
  }

  #afterClient(): void {
    this.#state = 'cut'
    this.#dropLate()
    // To destroy it would take from the server what is under way.
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
