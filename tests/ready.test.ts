import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFaultProxy } from '@sess/conformance'
import { type Sessions, sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startMemcached } from '../scripts/servers/memcached.js'
import { startRedis } from '../scripts/servers/redis.js'
import { comesTrue } from './support/condition.ts'
import { codeOf, failureOf, SECRET, SLACK } from './support/stores.ts'

const DEADLINE = 1000

/** More than the calls after which a store gives a server up. */
const PROBES = 12

const BACKENDS = [
  ['redis', startRedis, (port: number) => open('redis', { url: `redis://127.0.0.1:${port}` })],
  ['memcache', startMemcached, (port: number) => open('memcache', { servers: `127.0.0.1:${port}` })],
] as const

/** Sessions that are closed when the test ends. */
function open(adapter: string, options: object): Sessions {
  const sess = sessions(adapter, { secret: SECRET, deadline: DEADLINE, ...options })
  onTestFinished(() => sess.close())
  return sess
}

describe.each(BACKENDS)('ready on %s', (_, start, openAt) => {
  test('rejects while the server is gone, and resolves by itself once it is back, with no other request', async () => {
    const server = await start()
    onTestFinished(() => server.stop())
    const sess = openAt(server.port)
    await sess.ready()
    await server.kill()
    for (let probe = 0; probe < PROBES; probe++) expect(await codeOf(sess.ready())).toBe('UNAVAILABLE')
    expect((await failureOf(sess.ready())).message).toContain('has not answered for')
    await server.restart()
    expect(await comesTrue(async () => (await codeOf(sess.ready())) === 'none')).toBe(true)
  })

  test('rejects within the deadline if the server accepts connections and answers nothing', async () => {
    const server = await start()
    onTestFinished(() => server.stop())
    const proxy = await startFaultProxy(server.port)
    onTestFinished(() => proxy.close())
    const sess = openAt(proxy.port)
    await sess.ready()
    await proxy.set('blackhole')
    const began = performance.now()
    expect(await codeOf(sess.ready())).toBe('UNAVAILABLE')
    expect(performance.now() - began).toBeLessThan(DEADLINE + SLACK)
  })

  test('rejects if no server was ever there', async () => {
    const server = await start()
    await server.stop()
    expect(await codeOf(openAt(server.port).ready())).toBe('UNAVAILABLE')
  })
})

/** A folder that is removed when the test ends. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sess-ready-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('ready on sqlite', () => {
  test('resolves with a file that it can use', async () => {
    await expect(open('sqlite', { file: join(folder(), 'sessions.sqlite') }).ready()).resolves.toBeUndefined()
  })

  test('rejects with the error of the store if it cannot open its file', async () => {
    const file = join(folder(), 'sessions.sqlite')
    mkdirSync(file)
    expect(await codeOf(open('sqlite', { file }).ready())).toBe('UNAVAILABLE')
  })
})
