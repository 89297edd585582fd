import { mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import redis from '@sess/adapter-redis'
import { type Sessions, sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../scripts/servers/redis.js'
import { ask } from '../scripts/servers/server.js'
import { SECRET } from './support/backends.ts'
import { until } from './support/stores.ts'

/** Stores a number of visits, one more than the cookie's session has. Resolves with the visitor's cookie. */
async function visit(sess: Sessions, cookie?: string): Promise<string> {
  const exchange = sess.exchange(cookie)
  const session = await exchange.open()
  session.update('visits', (visits) => Number(visits ?? 0) + 1)
  const headers = await exchange.commit(200)
  return headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0] ?? cookie ?? ''
}

async function visitsOf(sess: Sessions, cookie: string): Promise<unknown> {
  return (await sess.exchange(cookie).open())['visits']
}

/** How many connections a Redis has, besides the one that asks. */
async function connections(port: number): Promise<number> {
  return (await ask(port, 'CLIENT LIST')).split('\n').filter((line) => line.startsWith('id=')).length - 1
}

/** Starts sessions that the test closes at its end, if it has not done so. */
function started(start: () => Sessions): Sessions {
  const sess = start()
  onTestFinished(() => sess.close())
  return sess
}

async function redisServer() {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const byName = () => started(() => sessions('redis', { secret: SECRET, url: server.url }))
  const passedIn = () => started(() => sessions(redis, { url: server.url, secret: SECRET }))
  return { port: server.port, byName, passedIn }
}

describe('sessions() that is called again and again with equal options', () => {
  test('has one connection to Redis, also for those that are left when others close', async () => {
    const { port, byName, passedIn } = await redisServer()
    const [first, ...others] = [byName(), passedIn(), byName()]
    let cookie = ''
    for (const sess of [first, ...others]) cookie = await visit(sess, cookie)
    expect(await connections(port)).toBe(1)
    await first.close()
    expect(await Promise.all(others.map((sess) => visitsOf(sess, cookie)))).toEqual([3, 3])
    expect(await connections(port)).toBe(1)
  })

  test('has no connection to Redis once all are closed, and one for those that come later', async () => {
    const { port, byName } = await redisServer()
    const all = [byName(), byName()]
    let cookie = ''
    for (const sess of all) cookie = await visit(sess, cookie)
    await Promise.all(all.map((sess) => sess.close()))
    await until(async () => (await connections(port)) === 0)
    expect(await visitsOf(byName(), cookie)).toBe(2)
    expect(await connections(port)).toBe(1)
  })

  const isLinux = process.platform === 'linux'
  test.runIf(isLinux)('has one open file of sqlite, which closes with the last', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sess-shared-')))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'sessions.sqlite')
    const openFiles = () =>
      readdirSync('/proc/self/fd').filter((descriptor) => linkOf(`/proc/self/fd/${descriptor}`) === file).length
    const start = () => started(() => sessions('sqlite', { secret: SECRET, file }))
    const all = [start(), start(), start()]
    let cookie = ''
    for (const sess of all) cookie = await visit(sess, cookie)
    expect(openFiles()).toBe(1)
    const [first, ...others] = all
    await first?.close()
    expect(await Promise.all(others.map((sess) => visitsOf(sess, cookie)))).toEqual([3, 3])
    await Promise.all(others.map((sess) => sess.close()))
    expect(openFiles()).toBe(0)
  })
})

/** What a symbolic link names. `undefined`: it is gone, as the descriptor with which the folder was read. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
