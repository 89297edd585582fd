import memcache from '@sess/adapter-memcache'
import { testStore } from '@sess/conformance/vitest'
import Memcached from 'memcached'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { vi } from 'vitest'
import { startMemcached } from '../../../scripts/servers/memcached.js'
import { RECONNECTING } from './support/client.ts'

const MEGABYTES = 16
// Small enough to be filled quickly, and large enough that nothing is evicted before.
const server = await startMemcached({ args: ['-m', String(MEGABYTES)] })
const client = new Memcached(server.address, RECONNECTING)
// A client that was closed connects again when it is used, so only the call shows that something closed it.
const end = vi.spyOn(client, 'end')

function answers(): Promise<boolean> {
  return new Promise((resolve) => client.version((error: unknown) => resolve(error === undefined)))
}

/** The server's reply to commands. */
function ask(...commands: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  for (const command of commands) socket.write(command)
  socket.end('quit\r\n')
  return text(socket)
}

const set = (key: string, bytes: Uint8Array | string, reply = '') =>
  Buffer.concat([Buffer.from(`set ${key} 0 0 ${bytes.length}${reply}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')])

/** Fills the memory with values as large as one small session, until the server evicts the oldest. */
async function evict(scope: string): Promise<void> {
  const ballast = 'x'.repeat(33)
  // Unlike `get`, `me` does not count as a use, so the entry stays the oldest.
  const isThere = async () => (await ask(`me ${scope}:key\r\n`)).startsWith('ME')
  for (let filled = 0; await isThere(); filled += 20_000) {
    if (filled > MEGABYTES * 20_000) throw new Error('memcached evicts nothing.')
    const keys = Array.from({ length: 20_000 }, (_, n) => `${scope}:${(filled + n).toString(36).padStart(4, '0')}`)
    await ask(Buffer.concat(keys.map((key) => set(key, ballast, ' noreply'))))
  }
}

testStore({
  adapter: memcache,
  options: ({ scope, address }) => ({ servers: address, prefix: `${scope}:` }),
  backend: {
    tcp: server.address,
    restart: () => server.restart(),
    evict,
    plant: async (scope, key, bytes) => void (await ask(set(`${scope}:${key}`, bytes))),
    // The server's clock ticks once a second, and the adapter adds one second so that nothing expires early.
    reclaimsWithin: 3000,
  },
  wrong: [{ servers: [] }, { servers: '127.0.0.1' }, { prefix: 'a b' }, { maxBytes: 2_000_000 }, { client: {} }],
  passedIn: {
    options: ({ scope }) => ({ client, prefix: `${scope}:` }),
    isOpen: async () => end.mock.calls.length === 0 && (await answers()),
  },
  async close() {
    client.end()
    await server.stop()
  },
})
