import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** A server that answers a line `a` with `re: a`, and `bytes N` with N bytes. */
export interface EchoServer {
  readonly port: number
  /** Every line that came, in order. */
  readonly lines: readonly string[]
  /** How many bytes came. */
  readonly bytes: number
  readonly sockets: ReadonlySet<Socket>
  /** It ends each connection after its next reply. */
  endAfterReply: boolean
  /** It keeps its replies back until the function returned is called. */
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

/** One connection of a client, and all that became of it. */
export class EchoClient {
  readonly socket: Socket
  received = ''
  /** The code of the error that the connection broke with. */
  broke: string | undefined
  /** The server has said that no more comes. */
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

  /** The next line, once it is whole. */
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

  /** Resolves when the connection is closed, for whatever reason. */
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

/** Waits for what must come to pass; the test's own time limit is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2)
}

/** Long enough for anything to arrive on loopback that is on its way: to see that nothing does. */
export async function settle(): Promise<void> {
  await sleep(50)
}

/** Long enough for the buffers of a connection to be full. */
export async function settleLong(): Promise<void> {
  await sleep(400)
}
