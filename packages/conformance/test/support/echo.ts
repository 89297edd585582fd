import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** A server that answers a line `a` with `re: a`, and `bytes N` with N bytes. */
export interface EchoServer {
  readonly port: number
  /** Every line received, in order. */
  readonly lines: readonly string[]
  /** How many bytes were received. */
  readonly bytes: number
  readonly sockets: ReadonlySet<Socket>
  /** Makes the server end each connection after its next reply. */
  endAfterReply: boolean
  /** Holds back replies until the returned function is called. */
  hold(): () => void
}

export async function startEchoServer(): Promise<EchoServer> {
  const lines: string[] = []
  const sockets = new Set<Socket>()
  let bytes = 0
  let held: Promise<void> | undefined
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    socket.on('data', (text: string) => (bytes += text.length))
    onLines(socket, async (line) => {
      lines.push(line)
      if (held) await held
      socket.write(replyTo(line))
      if (started.endAfterReply) socket.end()
    })
  })
  const started: EchoServer = {
    port: await listen(server, 0),
    lines,
    get bytes() {
      return bytes
    },
    sockets,
    endAfterReply: false,
    hold: () => {
      let release = (): void => {}
      held = new Promise((resolve) => (release = resolve))
      return () => release()
    },
  }
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return started
}

export async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}

/** A connection of a client, and what happened to it. */
export class EchoClient {
  readonly socket: Socket
  received = ''
  /** The code of the error that the connection broke with. */
  broke: string | undefined
  /** Whether the server has ended its side. */
  isEnded = false
  #isWhole = false

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.received += text
      this.#isWhole = text.endsWith('\n')
    })
    this.socket.on('end', () => (this.isEnded = true))
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.broke = error.code))
    onTestFinished(() => void this.socket.destroy())
  }

  get isClosed(): boolean {
    return this.socket.closed
  }

  send(line: string): void {
    this.socket.write(`${line}\n`)
  }

  /** Returns the next line when it is complete. */
  async line(): Promise<string> {
    await until(() => this.#isWhole && this.received !== '')
    const end = this.received.indexOf('\n')
    const line = this.received.slice(0, end)
    this.received = this.received.slice(end + 1)
    return line
  }

  async ask(line: string): Promise<string> {
    this.send(line)
    return this.line()
  }

  /** Resolves when the connection is closed, for any reason. */
  async closed(): Promise<void> {
    await until(() => this.isClosed)
  }
}

function replyTo(line: string): string {
  const [, bytes] = /^bytes (\d+)$/.exec(line) ?? []
  return bytes === undefined ? `re: ${line}\n` : `${'z'.repeat(Number(bytes) - 1)}\n`
}

function onLines(socket: Socket, take: (line: string) => Promise<void>): void {
  let rest = ''
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    if (!text.includes('\n')) {
      rest += text
      return
    }
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) void take(line)
  })
}

/** Waits until the condition is true. Only the time limit of the test ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2)
}

/** Waits long enough for anything to arrive on loopback, to show that nothing does. */
export async function settle(): Promise<void> {
  await sleep(50)
}

/** Waits long enough for the buffers of a connection to fill. */
export async function settleLong(): Promise<void> {
  await sleep(400)
}
