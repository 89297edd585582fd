import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

type Listener = (socket: Socket) => void

/** Listens on a port of 127.0.0.1 until the test ends. Resolves with `host:port`. */
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

/** Starts a server that is not memcached. `answer` gets the commands as they arrive, any number at a time. */
export function startImpostor(answer: (commands: string, socket: Socket) => void): Promise<string> {
  return listen((socket) => socket.on('data', (bytes) => answer(bytes.toString('latin1'), socket)))
}

/** Stands between a store and its server, and can drop or change what they send. */
export class Relay {
  address = ''
  /** The number of connections that the store has opened. */
  accepted = 0
  /** Everything that the store has sent. */
  sent = ''
  /** Called with what the server sends. By default it passes that on. */
  onReply: (bytes: Buffer, store: Socket) => void = (bytes, store) => store.write(bytes)
  readonly #dead = new Set<Socket>()
  readonly #open = new Set<Socket>()

  static async start(port: number): Promise<Relay> {
    const relay = new Relay()
    relay.address = await listen((socket) => relay.#accept(socket, port))
    return relay
  }

  /** From now on, nothing passes on the open connections. They stay open. */
  deafen(): void {
    for (const socket of this.#open) this.#dead.add(socket)
  }

  /** The number of the store's open connections. */
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
