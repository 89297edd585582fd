import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ALICE, codeOf, succeed } from '../../../tests/support/stores.ts'
import { newClient } from './support/client.ts'
import { sharedServer } from './support/server.ts'
import { openStore } from './support/stores.ts'

const server = sharedServer()

/** A Unix socket that leads to the server. */
async function openSocket(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-socket-'))
  const path = join(folder, 'memcached.sock')
  const listener = createServer((socket) => {
    const upstream = connect(server.port, '127.0.0.1')
    for (const end of [socket, upstream]) end.on('error', () => undefined)
    socket.pipe(upstream).pipe(socket)
  })
  await once(listener.listen(path), 'listening')
  onTestFinished(() => {
    listener.close()
    rmSync(folder, { recursive: true })
  })
  return path
}

it.each([
  ['servers', (path: string) => ({ servers: path })],
  ['a list of servers', (path: string) => ({ servers: [path] })],
  ['a client of memcached', (path: string) => ({ client: newClient(path).client })],
])('a server is reached by its Unix socket, given by %s', async (_, optionsOf) => {
  const options = optionsOf(await openSocket())
  const store = openStore({ ...options, prefix: 'socket:' })
  const version = await succeed(store.create('key', ALICE))
  expect(await store.read('key')).toEqual({ ...ALICE, version })
  const direct = openStore({ servers: server.address, prefix: 'socket:' })
  expect(await direct.read('key')).toEqual({ ...ALICE, version })
  await store.destroy('key')
  await store.close()
})

it('a socket that is not there is UNAVAILABLE', async () => {
  const store = openStore({ servers: join(tmpdir(), 'sess-no-such.sock') })
  expect(await codeOf(() => store.read('key'))).toBe('UNAVAILABLE')
})
