import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Sends commands to a server, like another program. */
export class Wire {
  readonly #socket: Socket
  #unread = ''

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect(port, '127.0.0.1').setEncoding('latin1')
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    return new Wire(socket)
  }

  /** Stores a value unchanged. */
  async put(key: string, value: string | Buffer, flags: number = 0): Promise<void> {
    const bytes = Buffer.from(value)
    const command = Buffer.from(`set ${key} ${flags} 0 ${bytes.length}\r\n`)
    this.#socket.write(Buffer.concat([command, bytes, Buffer.from('\r\n')]))
    const line = await this.#line()
    if (line !== 'STORED') throw new Error(line)
  }

  /** The lines of a reply, up to the line `last`. */
  async ask(command: string, last: string): Promise<readonly string[]> {
    this.#socket.write(`${command}\r\n`)
    const lines = []
    do lines.push(await this.#line())
    while (lines.at(-1) !== last)
    return lines
  }

  /** A number from `stats`. */
  async stat(name: string): Promise<number> {
    const lines = await this.ask('stats', 'END')
    return Number(lines.find((line) => line.startsWith(`STAT ${name} `))?.split(' ')[2])
  }

  async #line(): Promise<string> {
    while (!this.#unread.includes('\r\n')) {
      const [text] = await once(this.#socket, 'data')
      this.#unread += String(text)
    }
    const [line = '', ...rest] = this.#unread.split('\r\n')
    this.#unread = rest.join('\r\n')
    return line
  }
}
