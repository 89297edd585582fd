import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Firewall {
  readonly host: string
  readonly port: number
  /** Drops everything on the connections that are open now, and says so to neither end. Later connections work. */
  forget(): void
}

function join(from: Socket, to: Socket, forgotten: ReadonlySet<Socket>): void {
  const isKnown = () => !forgotten.has(from)
  from.on('data', (bytes: Buffer) => isKnown() && to.write(bytes))
  from.on('end', () => isKnown() && to.end())
  from.on('error', () => {})
}

/** Starts a firewall in front of a port of 127.0.0.1, and stops it when the test ends. */
export async function startFirewall(target: number): Promise<Firewall> {
  const host = '127.0.0.1'
  const sockets = new Set<Socket>()
  const forgotten = new Set<Socket>()
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ host, port: target, allowHalfOpen: true })
    for (const socket of [client, server]) sockets.add(socket)
    join(client, server, forgotten)
    join(server, client, forgotten)
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
