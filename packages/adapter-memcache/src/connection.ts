import { connect, type Socket } from 'node:net'
import { gatherWrites } from '@sess/core/adapter'
import { type Command, readReply, type Reply } from './protocol.js'
import type { Server } from './server.js'

interface Call {
  readonly command: Command
  readonly began: number
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/** A firewall or a server may drop an idle connection without notice. */
const IDLE_MS = 30_000

const NOTHING = Buffer.alloc(0)

const UNEXPECTED = 'The server sent an unexpected reply. Is it memcached?'

const REFUSAL =
  /^(?:SERVER_ERROR (?:out of memory(?: storing object| writing get response)?|object too large for cache)|CLIENT_ERROR (?:unauthenticated|bad data chunk|bad command line format|line too long)|ERROR(?: Too many open connections)?)$/

/** A refusal that is safe to show. Another server than memcached, such as a proxy, may quote what it was sent. */
function shown(refusal: string): string {
  return REFUSAL.test(refusal) ? refusal : (/^\w+/.exec(refusal)?.[0] ?? UNEXPECTED)
}

/** The calls on a connection that is closed for this reason were not answered. */
function lost(message: string): Error {
  return Object.assign(new Error(message), { code: 'CONNECTION_LOST' })
}

/**
 * A connection to one server. It sends a command without waiting for the reply to the one before, and replies arrive
 * in the order of the commands. A reply that does not fit its command may belong to another one, so the connection is
 * then closed and every call on it fails. The same happens when the connection is lost.
 */
export class Connection {
  readonly #socket: Socket
  /** Until when the connection may take to be made (`performance.now()`). */
  readonly #connectsUntil: number
  readonly #calls: Call[] = []
  #unread: Buffer = NOTHING

  /** `deadline`: how long it may take to connect, in milliseconds. */
  constructor({ address }: Server, deadline: number) {
    this.#connectsUntil = performance.now() + deadline
    this.#socket = connect({ ...address, noDelay: true })
      .setTimeout(IDLE_MS)
      .on('timeout', () => this.#calls.length === 0 && this.close(lost('The connection was idle.')))
      .on('data', (bytes: Buffer) => this.#read(bytes))
      .on('end', () => this.close(lost('The server closed the connection.')))
      .on('error', (error) => this.close(error))
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  /** `began`: when the call that sends the command began (`performance.now()`). */
  send(command: Command, began: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) {
        reject(lost('The connection was lost.'))
        return
      }
      this.#calls.push({ command, began, resolve, reject })
      gatherWrites(this.#socket)
      this.#socket.write(command.text)
    })
  }

  /**
   * Closes the connection if the call that is next to be answered began at or before `began`, unless the connection is
   * still being made.
   */
  closeIfStuck(began: number): void {
    if (this.#socket.connecting && performance.now() < this.#connectsUntil) return
    const [first] = this.#calls
    if (first !== undefined && first.began <= began) this.close(lost('The server did not answer.'))
  }

  close(error: Error): void {
    this.#socket.destroy()
    for (const call of this.#calls.splice(0)) call.reject(error)
  }

  #read(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
    for (;;) {
      const reply = readReply(this.#unread, this.#calls[0]?.command)
      if (reply === undefined || !this.isOpen) return
      this.#unread = reply.length === this.#unread.length ? NOTHING : this.#unread.subarray(reply.length)
      this.#settle(reply)
    }
  }

  #settle(reply: Reply): void {
    const { head } = reply
    const [call] = this.#calls
    if (call?.command.replies.includes(head)) call.resolve(reply)
    else if (head.startsWith('SERVER_ERROR')) call?.reject(new Error(shown(head)))
    else this.close(new Error(/^(?:CLIENT_)?ERROR\b/.test(head) ? shown(head) : UNEXPECTED))
    this.#calls.shift()
  }
}
