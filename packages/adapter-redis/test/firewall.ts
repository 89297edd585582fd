import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** What a firewall does with data on a connection that it has forgotten. */
export type Habit = 'drops' | 'resets'

export interface Firewall {
  readonly host: string
  readonly port: number
  /**
   * Forgets the connections that are open now, and tells neither end. What then comes on one of them is dropped, or the
   * connection is reset. Later connections work.
   */
  forget(): void
}

function join(from: Socket, to: Socket, forgotten: ReadonlySet<Socket>, habit: Habit): void {
  const pass = (act: () => void): void => {
    if (!forgotten.has(from)) act()
    else if (habit === 'resets') from.resetAndDestroy()
  }
  from.on('data', (bytes: Buffer) => pass(() => to.write(bytes)))
  from.on('end', () => pass(() => to.end()))
  from.on('error', () => {})
}

/** Starts a firewall in front of a port of 127.0.0.1, and stops it when the test ends. */
export async function startFirewall(target: number, habit: Habit = 'drops'): Promise<Firewall> {
  const host = '127.0.0.1'
  const sockets = new Set<Socket>()
  const forgotten = new Set<Socket>()
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ host, port: target, allowHalfOpen: true })
    for (const socket of [client, server]) sockets.add(socket)
    join(client, server, forgotten, habit)
    join(server, client, forgotten, habit)
  })
  listener.listen(0, host)
  await once(listener, 'listening')
  onTestFinished(() => {
    listener.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = listener.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    host,
    port: address.port,
    forget() {
      for (const socket of sockets) forgotten.add(socket)
    },
  }
}
