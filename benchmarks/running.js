import { Worker } from './worker.js'

/**
 * By name: the path, and whether the session's cookie is sent. Login comes last, since it leaves sessions behind.
 *
 * @type {Record<string, { path: string, isKnown: boolean }>}
 */
export const REQUESTS = {
  'ignores, no cookie': { path: '/ignore', isKnown: false },
  ignores: { path: '/ignore', isKnown: true },
  reads: { path: '/read', isKnown: true },
  writes: { path: '/write', isKnown: true },
  login: { path: '/login', isKnown: false },
}

/** A contestant with a running server. */
export class Running {
  contestant
  #server
  #load
  #port
  /** @type {readonly string[]} */
  #cookies = []

  /** @param {import('./contestants/index.js').Contestant} contestant @param {Worker} server @param {Worker} load @param {number} port */
  constructor(contestant, server, load, port) {
    this.contestant = contestant
    this.#server = server
    this.#load = load
    this.#port = port
  }

  /**
   * @param {import('./contestants/index.js').Contestant} contestant
   * @param {string} where its backend is
   * @param {number} bytes of a session
   * @param {Worker} load
   * @param {readonly string[]} [flags] of Node, for its server
   */
  static async start(contestant, where, bytes, load, flags) {
    const server = new Worker('server.js', [contestant.store, contestant.name, where, String(bytes)], flags)
    const port = await server.hears()
    await load.tell('connect', { port })
    return new Running(contestant, server, load, port)
  }

  /** Begins a session for each connection. */
  async login() {
    this.#cookies = await this.#load.tell('login', { port: this.#port })
  }

  /** @param {string} request @param {number} amount @returns {Promise<{ perSecond: number, p99: number }>} */
  send(request, amount) {
    const { path, isKnown } = REQUESTS[request]
    return this.#load.tell('send', { port: this.#port, path, cookies: isKnown ? this.#cookies : [], amount })
  }

  /** @param {string} request @param {number} amount */
  async time(request, amount) {
    const before = await this.#server.tell('cpu')
    const { perSecond, p99 } = await this.send(request, amount)
    return { cpu: ((await this.#server.tell('cpu')) - before) / amount, perSecond, p99 }
  }

  /** @returns {Promise<number>} */
  countStatements() {
    return this.#server.tell('statements')
  }

  async stop() {
    await this.#load.tell('close', { port: this.#port })
    await this.#server.stop()
  }
}
