import memcache from '@sess/adapter-memcache'
import { testStore } from '@sess/conformance/vitest'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll } from 'vitest'
import { startMemcached } from '../../../scripts/servers/memcached.js'

const MEGABYTES = 16
// Small enough to be filled, and large enough that nothing is evicted before.
const server = await startMemcached({ args: ['-m', String(MEGABYTES)] })
afterAll(() => server.stop())

/** What the server answers to commands. */
function ask(...commands: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  for (const command of commands) socket.write(command)
  socket.end('quit\r\n')
  return text(socket)
}

const set = (key: string, bytes: Uint8Array | string, reply = '') =>
  Buffer.concat([Buffer.from(`set ${key} 0 0 ${bytes.length}${reply}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')])

/** Fills the memory with values of the size that one small session has, of which the oldest give way. */
async function evict(scope: string): Promise<void> {
  const ballast = 'x'.repeat(33)
  // Which, unlike `get`, makes what it looks at no younger.
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
    // Its seconds begin at any moment of ours, and the adapter takes one more, so as not to be early.
    reclaimsWithin: 3000,
  },
  wrong: [{ servers: [] }, { servers: '127.0.0.1' }, { prefix: 'a b' }, { maxBytes: 2_000_000 }],
})
