import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

type Listener = (socket: Socket) => void

/** Listens on a port of 127.0.0.1 until the test ends; resolves with `host:port`. */
async function listen(listener: Listener): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    listener(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port }: AddressInfo = Object(server.address())
  return `127.0.0.1:${port}`
}

/** What answers as it likes; `answer` is given the commands as they arrive, any number at once. */
export function startImpostor(answer: (commands: string, socket: Socket) => void): Promise<string> {
  return listen((socket) => socket.on('data', (bytes) => answer(bytes.toString('latin1'), socket)))
}

/** Stands between a store and its server, and decides what becomes of what they send. */
export class Relay {
  address = ''
  /** Connections so far. */
  accepted = 0
  /** What the store has sent. */
  sent = ''
  /** Is given what the server sends; by default it is passed on. */
  onReply: (bytes: Buffer, store: Socket) => void = (bytes, store) => store.write(bytes)
  readonly #dead = new Set<Socket>()
  readonly #open = new Set<Socket>()

  static async start(port: number): Promise<Relay> {
    const relay = new Relay()
    relay.address = await listen((socket) => relay.#accept(socket, port))
    return relay
  }

  /** Nothing passes any more on the connections that are open, and nobody is told. */
  deafen(): void {
    for (const socket of this.#open) this.#dead.add(socket)
  }

  /** Connections of the store that are open. */
  get open(): number {
    return this.#open.size
  }

  #accept(store: Socket, port: number): void {
    this.accepted++
    this.#open.add(store)
    const server = connect(port, '127.0.0.1')
    const end = () => {
      this.#open.delete(store)
      server.destroy()
      if (!this.#dead.has(store)) store.destroy()
    }
    store.on('close', end)
    server.on('error', end).on('close', end)
    store.on('data', (bytes) => {
      this.sent += bytes.toString('latin1')
      if (!this.#dead.has(store)) server.write(bytes)
    })
    server.on('data', (bytes: Buffer) => {
      if (!this.#dead.has(store)) this.onReply(bytes, store)
    })
  }
}
