import { once } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Client } from './support/client.ts'
import { takeTrip } from './support/trip.ts'

/** A client of Socket.IO over a WebSocket. The texts are those of its protocol, version 5, over Engine.IO 4. */
class Socket {
  readonly #socket: WebSocket
  readonly #received: string[] = []

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.#received.push(data.toString()))
    socket.on('close', () => this.#received.push('closed'))
  }

  /** Resolves when it is open, before the server accepts or refuses it. */
  static async connect({ origin, cookie }: Client, headers: Readonly<Record<string, string>> = {}): Promise<Socket> {
    const url = `${origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`
    const socket = new WebSocket(url, { headers: { cookie, ...headers } })
    onTestFinished(() => socket.terminate())
    const connected = new Socket(socket)
    await once(socket, 'open')
    socket.send('40')
    return connected
  }

  send(text: string): void {
    this.#socket.send(text)
  }

  /** The next text that begins so, without its beginning. */
  async next(beginning: string): Promise<string> {
    return vi.waitFor(
      () => {
        const index = this.#received.findIndex((text) => text.startsWith(beginning))
        if (index < 0) throw new Error(`The server sent no ${beginning}: ${this.#received.join(' ')}`)
        return this.#received.splice(index, 1).join('').slice(beginning.length)
      },
      { timeout: 30_000 },
    )
  }
}

takeTrip(
  'socket-io',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/typescript/bin/tsc', '-p', '.']],
    start: () => ['server.ts'],
  },
  {},
  ({ client, see, store }) => {
    async function user(): Promise<Client> {
      const visitor = client()
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      return visitor
    }

    test('a socket without a login is refused', async () => {
      const visitor = client()
      await visitor.post('/visit')
      const refused = await Socket.connect(visitor)
      expect(await refused.next('44')).toContain(store === 'redis' ? 'Log in first.' : 'Try again later.')
    })

    test('a socket of another origin is refused before it opens', async () => {
      await expect(Socket.connect(await user(), { origin: 'https://elsewhere.example' })).rejects.toThrow(
        'Unexpected server response',
      )
    })

    // oxlint-disable-next-line vitest/no-conditional-tests -- sockets need a store on a server
    if (store === 'cookie') {
      test('a socket is refused on the cookie store, which cannot notice a logout', async () => {
        const refused = await Socket.connect(await user())
        expect(await refused.next('44')).toContain('Try again later.')
      })
      return
    }

    test('a socket knows its user', async () => {
      const socket = await Socket.connect(await user())
      await socket.next('40')
      socket.send('42["say","hello"]')
      expect(await socket.next('42')).toBe('["said","ada: hello"]')
    })

    test('a logout by another request disconnects the socket', async () => {
      const visitor = await user()
      const socket = await Socket.connect(visitor)
      await socket.next('40')
      await visitor.post('/logout')
      expect(await socket.next('closed')).toBe('')
    })

    test('a socket changes the session by an exchange, which merges with requests', async () => {
      const visitor = await user()
      const socket = await Socket.connect(visitor)
      await socket.next('40')
      socket.send('421["visit"]')
      await visitor.post('/visit')
      expect(await socket.next('431')).toMatch(/^\["Visit number [12]"\]$/)
      expect((await see(visitor)).visits).toBe(2)
    })

    test('a socket that was open before the token changed cannot change the session any more', async () => {
      const visitor = await user()
      const socket = await Socket.connect(visitor)
      await socket.next('40')
      await visitor.post('/login', { name: 'ada', password: 'lovelace' })
      socket.send('421["visit"]')
      expect(await socket.next('431')).toBe('["Send a request."]')
    })
  },
)
