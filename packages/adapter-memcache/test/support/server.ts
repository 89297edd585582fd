import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { type Memcached, startMemcached } from '../../../../scripts/servers/memcached.js'

/** A server for all tests of a file. No test may stop or freeze it. */
export function sharedServer(...args: readonly string[]): { readonly address: string; readonly port: number } {
  const shared = { address: '', port: 0 }
  let server: Memcached | undefined
  beforeAll(async () => {
    server = await startMemcached({ args })
    shared.address = server.address
    shared.port = server.port
  })
  afterAll(() => server?.stop())
  return shared
}

/** A server for one test. */
export async function ownServer(...args: readonly string[]): Promise<Memcached> {
  const server = await startMemcached({ args })
  onTestFinished(() => server.stop())
  return server
}
