import HashRing from 'hashring'
import { Connection } from './connection.js'

/** A connection to each server that is in use. A key belongs to one server, whether it answers or not. */
export class Pool {
  readonly #only: string | undefined
  readonly #ring: { get(key: string): string }
  readonly #connections = new Map<string, Connection>()

  /** `servers`: each as `host:port`. */
  constructor(servers: readonly string[]) {
    this.#only = servers.length === 1 ? servers[0] : undefined
    // As other clients of memcached spread keys: ketama, which leaves the usual port out of what it hashes.
    this.#ring = new HashRing([...servers], 'sha256', { compatibility: 'ketama', 'default port': 11_211 })
  }

  connectionOf(key: string): Connection {
    const server = this.#only ?? this.#ring.get(key)
    const current = this.#connections.get(server)
    if (current?.isOpen) return current
    const connection = new Connection(server)
    this.#connections.set(server, connection)
    return connection
  }

  closeStuck(began: number): void {
    for (const connection of this.#connections.values()) connection.closeIfStuck(began)
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close(new Error('The store was closed.'))
  }
}
