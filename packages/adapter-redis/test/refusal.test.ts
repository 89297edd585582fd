import { sessions } from '@sess/core'
import type { ServerStore, SessError } from '@sess/core/adapter'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ALICE, codeOf, entry, failureOf, shown, succeed, works } from '../../../tests/support/stores.ts'
import { connect, ownServer } from './server.ts'
import { expectAllAllowed, openStore, RIGHTS } from './stores.ts'

const PASSWORD = 'correct-horse'
const SECRET = entry('{"card":"4111-1111-1111-1111"}')

/** Expects that an error names the reason and shows nothing that was sent. */
function expectReason(error: SessError, reason: string): void {
  expect(error).toMatchObject({ code: 'UNAVAILABLE', cause: { message: expect.stringContaining(reason) } })
  expect(shown(error)).not.toMatch(/4111|battery|correct-horse|secret-key/)
}

async function expectAllRefused(store: ServerStore, reason: string): Promise<void> {
  expectReason(await failureOf(() => store.create('secret-key', SECRET)), reason)
  expectReason(await failureOf(() => store.read('secret-key')), reason)
  expectReason(await failureOf(() => store.update('secret-key', SECRET, '0123456789abcdef')), reason)
  expectReason(await failureOf(() => store.destroy('secret-key')), reason)
}

/** Milliseconds to wait for a server on a busy machine. */
const PATIENCE = 15_000

describe('7.1 a server that', () => {
  it('wants a password and is given none', async () => {
    const { url } = await ownServer('--requirepass', PASSWORD)
    await expectAllRefused(openStore({ url }), 'NOAUTH')
  })

  it.each([
    ['in the URL', (port: number) => ({ url: `redis://:battery-staple@127.0.0.1:${port}` })],
    ['as an option', (port: number) => ({ url: `redis://127.0.0.1:${port}`, password: 'battery-staple' })],
    ['of a user', (port: number) => ({ url: `redis://alice:battery-staple@127.0.0.1:${port}` })],
  ])('is given a wrong password, %s', async (_where, options) => {
    const { port } = await ownServer('--requirepass', PASSWORD)
    await expectAllRefused(openStore(options(port)), 'WRONGPASS')
  })

  it('is out of reach', async () => {
    const server = await ownServer()
    await server.kill()
    await expectAllRefused(openStore({ url: server.url }), `connect ECONNREFUSED 127.0.0.1:${server.port}`)
  })

  it('does not know a command, and repeats it', async () => {
    const { url } = await ownServer('--rename-command', 'SET', '', '--rename-command', 'EVALSHA', '')
    const store = openStore({ url })
    expectReason(await failureOf(() => store.create('secret-key', SECRET)), 'ERR')
    expectReason(await failureOf(() => store.update('secret-key', SECRET, '0123456789abcdef')), 'ERR')
    expect(await store.read('secret-key')).toBeNull()
  })

  it('does not let the user do it', async () => {
    const { url, port } = await ownServer()
    const direct = connect(url)
    await direct.call('ACL', 'SETUSER', 'alice', 'on', `>${PASSWORD}`, '~other:*', '+get', '+set', '+del', '+evalsha')
    await expectAllRefused(openStore({ url: `redis://alice:${PASSWORD}@127.0.0.1:${port}` }), 'NOPERM')
  })

  it('has no such database stores nothing in another one', async () => {
    const { url } = await ownServer('--databases', '1')
    const store = openStore({ url: `${url}/2` })
    await expectAllRefused(store, 'ERR')
    await expectAllRefused(store, 'ERR')
    expect(await connect(url).dbsize()).toBe(0)
  })

  it('does not let the user select the database stores nothing in another one', async () => {
    const { url, port } = await ownServer()
    const direct = connect(url)
    const store = openStore({ url: `redis://alice:${PASSWORD}@127.0.0.1:${port}/2`, prefix: 'sess:' })
    await direct.call('ACL', 'SETUSER', 'alice', 'on', `>${PASSWORD}`, ...RIGHTS)
    await expectAllRefused(store, 'NOPERM')
    expect(await direct.dbsize()).toBe(0)
    await direct.call('ACL', 'SETUSER', 'alice', '+select')
    await vi.waitFor(async () => succeed(store.create('key', ALICE)), PATIENCE)
    await direct.select(2)
    expect(await direct.dbsize()).toBe(1)
  })

  it('has no room', async () => {
    const { url } = await ownServer('--maxmemory', '3mb', '--maxmemory-policy', 'noeviction')
    const store = openStore({ url })
    const version = await succeed(store.create('secret-key', SECRET))
    await connect(url).config('SET', 'maxmemory', '1mb')
    expectReason(await failureOf(() => store.create('other', SECRET)), 'OOM')
    expectReason(await failureOf(() => store.update('secret-key', SECRET, version)), 'OOM')
    expect(await store.read('secret-key')).toEqual({ ...SECRET, version })
    await store.destroy('secret-key')
    expect(await store.read('secret-key')).toBeNull()
  })

  it('7.8 has no room ends a session: by an update that has expired, and by a logout', async () => {
    const { url } = await ownServer('--maxmemory', '3mb', '--maxmemory-policy', 'noeviction')
    const store = openStore({ url })
    const version = await succeed(store.create('secret-key', SECRET))
    const sess = sessions('redis', { secret: 'a secret of at least thirty-two bytes', url })
    onTestFinished(() => sess.close())
    const login = sess.exchange(null)
    Object.assign(await login.open(), { user: 7 })
    const [[, cookie] = ['', '']] = await login.commit(200)
    await connect(url).config('SET', 'maxmemory', '1mb')
    const other = { ...SECRET, expiresAt: 1 }
    expect(await store.update('secret-key', other, '0123456789abcdef')).toBeNull()
    await succeed(store.update('secret-key', other, version))
    expect(await store.read('secret-key')).toBeNull()
    const logout = sess.exchange(cookie.replace(/;.*/, ''))
    const session = await logout.open()
    expect(session['user']).toBe(7)
    session.destroy()
    await logout.commit(200)
    expect(await connect(url).dbsize()).toBe(0)
  })

  it('is a replica reads, and does nothing else', async () => {
    const master = await ownServer()
    const replica = await ownServer('--replicaof', '127.0.0.1', String(master.port))
    const prefix = 'replica:'
    const version = await succeed(openStore({ url: master.url, prefix }).create('secret-key', SECRET))
    const store = openStore({ url: replica.url, prefix })
    await vi.waitFor(async () => expect(await store.read('secret-key')).toEqual({ ...SECRET, version }), PATIENCE)
    const direct = connect(replica.url)
    const connections = Number(/total_connections_received:(\d+)/.exec(await direct.info('stats'))?.[1])
    const writes = [
      () => store.create('other', SECRET),
      () => store.update('secret-key', SECRET, version),
      () => store.destroy('secret-key'),
    ]
    for (const write of writes) {
      expectReason(await failureOf(write), 'READONLY')
      // The store drops the connection: the next one may reach another server.
      await works(store)
    }
    expect(await direct.info('stats')).toContain(`total_connections_received:${connections + writes.length}\r\n`)
    expect(await store.read('secret-key')).toEqual({ ...SECRET, version })
  })

  it('is a replica, and becomes the master', async () => {
    const master = await ownServer()
    const replica = await ownServer('--replicaof', '127.0.0.1', String(master.port))
    const store = openStore({ url: replica.url })
    expect(await codeOf(() => store.create('key', ALICE))).toBe('UNAVAILABLE')
    await connect(replica.url).replicaof('NO', 'ONE')
    await vi.waitFor(async () => succeed(store.create('key', ALICE)), PATIENCE)
  })

  it('is still loading its data', async () => {
    const slowly = ['--key-load-delay', '5000', '--loading-process-events-interval-bytes', '1024']
    const server = await ownServer(...slowly)
    const direct = connect(server.url)
    await Promise.all(Array.from({ length: 300 }, (_, n) => direct.set(`other${n}`, 'x'.repeat(100))))
    await direct.save()
    direct.disconnect()
    const store = openStore({ url: server.url })
    const restarted = server.restart()
    await vi.waitFor(async () => expectReason(await failureOf(() => store.read('secret-key')), 'LOADING'), {
      timeout: 5000,
      interval: 5,
    })
    await restarted
    await vi.waitFor(async () => succeed(store.create('key', ALICE)), PATIENCE)
  })
})

describe('4.5 a server that evicts', () => {
  it('loses entries, and nothing else happens', async () => {
    const { url } = await ownServer('--maxmemory', '4mb', '--maxmemory-policy', 'allkeys-lru')
    const store = openStore({ url, deadline: 10_000 })
    const keys = Array.from({ length: 3000 }, (_, n) => `key${n}`)
    const data = 'x'.repeat(1000)
    await Promise.all(keys.map((key) => succeed(store.create(key, entry(data)))))
    const found = await Promise.all(keys.map((key) => store.read(key)))
    const kept = found.filter((stored) => stored !== null)
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.length).toBeLessThan(keys.length)
    expect(new Set(kept.map((stored) => stored.data))).toEqual(new Set([data]))
  })
})

describe('a user that may do what the page says', () => {
  it('needs nothing more', async () => {
    const { url, port } = await ownServer()
    const direct = connect(url)
    await direct.call('ACL', 'SETUSER', 'alice', 'on', `>${PASSWORD}`, ...RIGHTS)
    const store = openStore({ url: `redis://alice:${PASSWORD}@127.0.0.1:${port}`, prefix: 'sess:' })
    await expectAllAllowed(store)
    expect(await direct.call('ACL', 'LOG')).toEqual([])
  })
})
