import { createHash } from 'node:crypto'

/** A server on a ring. */
export interface RingServer {
  /** The text that the ring hashes, as the list of servers spells it. */
  readonly name: string
  /** The server's share of the keys, relative to the other servers. Default 1. */
  readonly weight?: number | undefined
  /** A number of vnodes for this server, which replaces its weight. */
  readonly vnodes?: number | undefined
}

/** These decide, together with the servers, where each key lies. */
export interface RingOptions {
  /** The hash of node:crypto, for servers and for keys. */
  readonly algorithm: string
  /** How many points a vnode has: 4 with `ketama`, 3 with `hash_ring` (after Python's hash_ring). */
  readonly compatibility: 'ketama' | 'hash_ring'
  /** The vnodes of a server with an average weight. */
  readonly vnodes: number
  /** A server on this port is hashed without it: `host` and `host:11211` lie at the same points. */
  readonly defaultPort?: number | undefined
}

/** The options that the npm package `memcached` 2.2.2 uses by default. */
export const RING_DEFAULTS: RingOptions = {
  algorithm: 'md5',
  compatibility: 'ketama',
  vnodes: 40,
  defaultPort: 11_211,
}

interface Point<S> {
  readonly value: number
  readonly server: S
}

/**
 * Consistent hashing: each server has points on a ring of 2^32 places, and a key belongs to the server at the next
 * point. The points are those of the npm package `hashring` 3.2, which the npm package `memcached` uses, so that
 * both put a key on the same server. test/ring.test.ts compares them.
 */
export class Ring<S extends RingServer> {
  readonly #algorithm: string
  readonly #points: readonly Point<S>[]
  /** The server at the first point, which follows the last one. */
  readonly #first: S

  constructor(servers: readonly [S, ...S[]], options: RingOptions) {
    this.#algorithm = options.algorithm
    // The sort is stable: of several servers at one point, the one that is listed first gets the keys.
    this.#points = [...pointsOf(servers, options)].toSorted((one, other) => one.value - other.value)
    this.#first = this.#points[0]?.server ?? servers[0]
  }

  serverOf(key: string): S {
    let server = this.#first
    if (this.#points.length === 0) return server
    const place = digest(this.#algorithm, key).readUInt32LE()
    let low = 0
    let high = this.#points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const point = this.#points[middle]
      if (point === undefined || point.value < place) {
        low = middle + 1
      } else {
        server = point.server
        high = middle
      }
    }
    return server
  }
}

/** The points of all servers; none for a single server, which has every key anyway. */
function* pointsOf<S extends RingServer>(servers: readonly S[], options: RingOptions): Generator<Point<S>> {
  if (servers.length === 1) return
  let total = 0
  for (const { weight = 1 } of servers) total += weight
  const points = options.compatibility === 'hash_ring' ? 3 : 4
  for (const server of servers) {
    const { name, weight = 1, vnodes = options.vnodes } = server
    // `hashring` multiplies in this order, and the rounding depends on the order.
    const share = Math.floor((weight / total) * vnodes * servers.length)
    // A number that equals the default does not replace the weight.
    const count = vnodes === options.vnodes ? share : vnodes
    const host = hostOf(name, options.defaultPort)
    for (let index = 0; index < count; index++) {
      const hash = digest(options.algorithm, `${host}-${index}`)
      for (let point = 0; point < points; point++) yield { value: hash.readUInt32LE(point * 4), server }
    }
  }
}

/** `name` without the default port. An IPv6 address stays whole, since the text after its first colon is no port. */
function hostOf(name: string, defaultPort: number | undefined): string {
  const [host = name, port] = name.split(':')
  return defaultPort !== undefined && Number(port) === defaultPort ? host : name
}

function digest(algorithm: string, text: string): Buffer {
  return createHash(algorithm).update(text).digest()
}
