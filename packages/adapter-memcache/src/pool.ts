import Memcached from 'memcached'
import { Connection } from './connection.js'

/** A connection to each server that is in use. A key belongs to one server, whether it answers or not. */
export class Pool {
  readonly #only: string | undefined
  readonly #ring: { get(key: string): string }
  readonly #connections = new Map<string, Connection>()

  /** `servers`: each as `host:port`. */
  constructor(servers: readonly string[]) {
    this.#only = servers.length === 1 ? servers[0] : undefined
    // The client's way to spread keys is all that is used of it: its own connections lose calls when a server dies,
    // and take what lies under a key for replies.
    this.#ring = new Memcached([...servers], { algorithm: 'sha256', compatibility: 'ketama' }).HashRing
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
