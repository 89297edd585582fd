import type { ServerStore } from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest'
import { startRedis } from '../../../scripts/servers/redis.js'
import { newPrefix, openStore } from './stores.ts'

export type Server = Awaited<ReturnType<typeof startRedis>>

/** Starts a server and stops it when the test ends. */
export async function ownServer(...args: readonly string[]): Promise<Server> {
  const server = await startRedis({ args })
  onTestFinished(() => server.stop())
  return server
}

/** Connects to a server without a store, and disconnects when the test ends. */
export function connect(url: string): Redis {
  const direct = new Redis(url)
  onTestFinished(() => direct.disconnect())
  return direct
}

/** One server for all tests of a file. Each test gets its own prefix, and a store under it. */
export class SharedServer {
  url = ''
  prefix = ''
  #direct: Redis | undefined
  #store: ServerStore | undefined

  constructor(...args: readonly string[]) {
    let server: Server | undefined
    beforeAll(async () => {
      server = await startRedis({ args })
      this.url = server.url
      this.#direct = new Redis(server.url)
    })
    afterAll(async () => {
      this.#direct?.disconnect()
      await server?.stop()
    })
    beforeEach(() => {
      this.prefix = newPrefix()
      this.#store = openStore({ url: this.url, prefix: this.prefix })
    })
  }

  /** A connection without a store. */
  get direct(): Redis {
    if (this.#direct === undefined) throw new Error('expected a test to be running')
    return this.#direct
  }

  get store(): ServerStore {
    if (this.#store === undefined) throw new Error('expected a test to be running')
    return this.#store
  }
}
