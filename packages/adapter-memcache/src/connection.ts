import { connect, type Socket } from 'node:net'
import { gatherWrites } from '@sess/core/adapter'
import { type Command, readReply, type Reply } from './protocol.js'

interface Call {
  readonly command: Command
  readonly began: number
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/** A firewall or a server may drop what is idle for long, and not say so. */
const IDLE_MS = 30_000

const NOTHING = Buffer.alloc(0)

/**
 * A connection to one server. It does not wait for a reply before it sends the next command, and replies come in the
 * order of the commands. So one that does not fit its command could be another's: then, as when it is lost, it is
 * closed, and every call on it fails.
 */
export class Connection {
  readonly #socket: Socket
  readonly #calls: Call[] = []
  #unread: Buffer = NOTHING

  /** `server` as `host:port`. */
  constructor(server: string) {
    const { hostname, port } = new URL(`tcp://${server}`)
    this.#socket = connect({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port), noDelay: true })
      .setTimeout(IDLE_MS)
      .on('timeout', () => this.#calls.length === 0 && this.close(new Error('The connection was idle.')))
      .on('data', (bytes: Buffer) => this.#read(bytes))
      .on('end', () => this.close(new Error('The server closed the connection.')))
      .on('error', (error) => this.close(error))
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  /** `began`: when the call began that the command is part of, by `performance.now()`. */
  send(command: Command, began: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) {
        reject(new Error('The connection was lost.'))
        return
      }
      this.#calls.push({ command, began, resolve, reject })
      gatherWrites(this.#socket)
      this.#socket.write(command.text)
    })
  }

  /** Closes it if the call that it waits for first began no later than `began`. */
  closeIfStuck(began: number): void {
    const [first] = this.#calls
    if (first !== undefined && first.began <= began) this.close(new Error('The server did not answer.'))
  }

  close(error: Error): void {
    this.#socket.destroy()
    for (const call of this.#calls.splice(0)) call.reject(error)
  }

  #read(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
    for (;;) {
      const reply = readReply(this.#unread)
      if (reply === undefined || !this.isOpen) return
      this.#unread = reply.length === this.#unread.length ? NOTHING : this.#unread.subarray(reply.length)
      this.#settle(reply)
    }
  }

  #settle(reply: Reply): void {
    const { head } = reply
    const [call] = this.#calls
    if (call?.command.replies.includes(head)) call.resolve(reply)
    else if (head.startsWith('SERVER_ERROR')) call?.reject(new Error(head))
    else this.close(new Error(/^(?:CLIENT_)?ERROR/.test(head) ? head : 'What answered is not memcached.'))
    this.#calls.shift()
  }
}
