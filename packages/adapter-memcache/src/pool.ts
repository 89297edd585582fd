import { Connection } from './connection.js'
import type { Placement } from './client.js'
import { Ring } from './ring.js'
import type { Server } from './server.js'

/** A connection to each server that is in use. A key belongs to one server, whether that server answers or not. */
export class Pool {
  readonly #ring: Ring<Server>
  readonly #connections = new Map<string, Connection>()
  readonly #deadline: number

  constructor({ servers, ring }: Placement, deadline: number) {
    this.#ring = new Ring(servers, ring)
    this.#deadline = deadline
  }

  serverOf(key: string): Server {
    return this.#ring.serverOf(key)
  }

  connectionOf(key: string): Connection {
    return this.connectionTo(this.serverOf(key))
  }

  connectionTo(server: Server): Connection {
    const current = this.#connections.get(server.name)
    if (current?.isOpen) return current
    const connection = new Connection(server, this.#deadline)
    this.#connections.set(server.name, connection)
    return connection
  }

  closeStuck(began: number): void {
    for (const connection of this.#connections.values()) connection.closeIfStuck(began)
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close(new Error('The store was closed.'))
  }
}
