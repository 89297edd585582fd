import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import redis, { type RedisOptions } from '@sess/adapter-redis'
import { sessions } from '@sess/core'
import type { Finding } from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startCluster, startSentinels } from '../../../scripts/servers/redis.js'
import { SECRET } from '../../../tests/support/stores.ts'
import { connect, ownServer, SharedServer } from './server.ts'
import { FAILOVER_MS, PATIENCE, RIGHTS } from './stores.ts'

const PASSWORD = 'correct-horse'
/** A server that is set up well. */
const SAVED = ['--appendonly', 'yes'] as const
/** What the README tells operators to grant for a check, beside the rights of the store. */
const LOOKING = ['+info', '+time', '+config|get'] as const

afterEach(() => void vi.useRealTimers())

/** What an application is told about its store. */
async function check(options: RedisOptions): Promise<readonly Finding[]> {
  const sess = sessions(redis, { secret: SECRET, owner: 'userId', deadline: 5000, ...options })
  onTestFinished(() => sess.close())
  const found = await sess.check()
  for (const { message } of found) {
    expect(message).not.toMatch(/\n|undefined|NaN/)
    expect(message).not.toContain(PASSWORD)
  }
  return found
}

function told(code: string, severity: Finding['severity'], message: RegExp): Finding {
  return { code, severity, message: expect.stringMatching(message) }
}

const shared = new SharedServer(...SAVED)

/** The URL of a user who has these rights. */
async function userWith(...rights: readonly string[]): Promise<string> {
  await shared.direct.call('ACL', 'SETUSER', 'alice', 'reset', 'on', `>${PASSWORD}`, ...rights)
  const { port } = new URL(shared.url)
  return `redis://alice:${PASSWORD}@127.0.0.1:${port}`
}

async function checkServer(...args: readonly string[]): Promise<readonly Finding[]> {
  return check({ url: (await ownServer(...args)).url })
}

describe('check says', () => {
  it('nothing of a server that is set up well, and leaves nothing there', async () => {
    expect(await check({ url: shared.url })).toEqual([])
    expect(await shared.direct.dbsize()).toBe(0)
  })

  it('UNAVAILABLE if nothing listens', async () => {
    const server = await ownServer()
    await server.kill()
    expect(await check({ url: `redis://:${PASSWORD}@127.0.0.1:${server.port}` })).toEqual([
      told(
        'UNAVAILABLE',
        'error',
        new RegExp(`^The redis store failed: connect ECONNREFUSED 127.0.0.1:${server.port}. Nothing listens`),
      ),
    ])
  })

  it('UNAVAILABLE, and what to set, if the login is wrong', async () => {
    const { port } = await ownServer('--requirepass', 'another')
    expect(await check({ url: `redis://127.0.0.1:${port}`, password: PASSWORD })).toEqual([
      told('UNAVAILABLE', 'error', /WRONGPASS: .* correct username and password\.$/),
    ])
    expect(await check({ url: `redis://127.0.0.1:${port}` })).toEqual([
      told('UNAVAILABLE', 'error', /NOAUTH: .* set username and password\.$/),
    ])
  })

  it.each(RIGHTS.filter((right) => right.startsWith('+')))('REDIS_RIGHTS if the user lacks %s', async (right) => {
    const others = RIGHTS.filter((each) => each !== right)
    const found = await check({ url: await userWith(...others, ...LOOKING) })
    const severity = right === '+mget' ? 'warning' : 'error'
    expect(found).toContainEqual(told('REDIS_RIGHTS', severity, new RegExp(`ACL SETUSER … \\${right}\\.$`)))
  })

  it('REDIS_RIGHTS if the server has no such command', async () => {
    const found = await checkServer(...SAVED, '--rename-command', 'GETRANGE', '')
    expect(found).toContainEqual(told('REDIS_RIGHTS', 'error', /does not run GETRANGE/))
  })

  it('REDIS_RIGHTS if the user may not use the keys', async () => {
    const url = await userWith(...RIGHTS, ...LOOKING)
    const keyed = new Redis(url, { keyPrefix: 'shop:', lazyConnect: true })
    expect(await check({ client: keyed })).toContainEqual(
      told('REDIS_RIGHTS', 'error', /begin with "shop:sess:".* ~shop:sess:\*\.$/),
    )
  })

  it('REDIS_UNSEEN if the user may not look', async () => {
    expect(await check({ url: await userWith(...RIGHTS) })).toEqual([
      told(
        'REDIS_UNSEEN',
        'warning',
        /^Redis does not run INFO, CONFIG GET SAVE, CONFIG GET APPENDFSYNC, TIME for this user/,
      ),
    ])
  })

  it("nothing of a user who has the README's rights for a check", async () => {
    expect(await check({ url: await userWith(...RIGHTS, ...LOOKING) })).toEqual([])
  })

  it.each([
    ['allkeys-lru', /maxmemory-policy allkeys-lru evicts any keys/],
    ['volatile-ttl', /maxmemory-policy volatile-ttl evicts keys that expire, which all sessions do/],
  ])('REDIS_EVICTION with the policy %s', async (policy, message) => {
    expect(await checkServer(...SAVED, '--maxmemory', '100mb', '--maxmemory-policy', policy)).toEqual([
      told('REDIS_EVICTION', 'warning', message),
    ])
  })

  it('REDIS_EVICTION is an error once keys were evicted', async () => {
    const { url } = await ownServer(...SAVED, '--maxmemory', '4mb', '--maxmemory-policy', 'allkeys-lru')
    const direct = connect(url)
    for (const n of Array.from({ length: 8 }).keys()) await direct.set(`cache${n}`, 'x'.repeat(2 ** 20))
    expect(await check({ url })).toEqual([told('REDIS_EVICTION', 'error', /^Redis has evicted \d+ keys/)])
  })

  it.each([
    ['no limit of its memory', ['--maxmemory-policy', 'allkeys-lru']],
    ['the policy noeviction', ['--maxmemory', '100mb', '--maxmemory-policy', 'noeviction']],
  ])('nothing of eviction with %s', async (_, args) => {
    expect(await checkServer(...SAVED, ...args)).toEqual([])
  })

  it('REDIS_UNSAVED if nothing is saved', async () => {
    expect(await checkServer()).toEqual([told('REDIS_UNSAVED', 'warning', /a restart ends all sessions/)])
  })

  it('REDIS_SNAPSHOTS if only snapshots are saved', async () => {
    expect(await checkServer('--save', '3600 1')).toEqual([told('REDIS_SNAPSHOTS', 'warning', /Set appendonly yes\.$/)])
  })

  it('REDIS_FSYNC if the operating system decides when changes reach the disk', async () => {
    expect(await checkServer(...SAVED, '--appendfsync', 'no')).toEqual([
      told('REDIS_FSYNC', 'warning', /Set appendfsync everysec\.$/),
    ])
  })

  it('REDIS_DISK if the server could not save', async () => {
    const { url } = await ownServer(...SAVED)
    const direct = connect(url)
    const [, folder = ''] = await direct.config('GET', 'dir')
    // A snapshot takes the place of a file, not of a folder.
    mkdirSync(join(folder, 'dump.rdb'))
    writeFileSync(join(folder, 'dump.rdb', 'file'), '')
    await direct.bgsave()
    await vi.waitFor(async () => expect(await direct.info()).toContain('rdb_last_bgsave_status:err'), PATIENCE)
    expect(await check({ url })).toEqual([
      told('REDIS_DISK', 'error', /failed to write to its disk \(rdb_last_bgsave_status\)/),
    ])
  })

  it.each([
    ['ahead', 60],
    ['behind', -60],
  ])('REDIS_CLOCK if the clock of this machine is %s', async (_, seconds) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })
    expect(await check({ url: shared.url })).toEqual([
      told('REDIS_CLOCK', 'warning', /differs from this machine's by (?:-?59|-?60) s/),
    ])
  })

  it('UNAVAILABLE, and where to connect to, of a replica', async () => {
    const replica = await ownServer('--replicaof', '127.0.0.1', new URL(shared.url).port)
    expect(await check({ url: replica.url })).toEqual([
      told('UNAVAILABLE', 'error', /READONLY: .* connect to the master/),
    ])
  })

  it('REDIS_REPLICA of a replica that takes changes', async () => {
    const replica = await ownServer(
      ...SAVED,
      '--replicaof',
      '127.0.0.1',
      new URL(shared.url).port,
      '--replica-read-only',
      'no',
    )
    await vi.waitFor(async () => expect(await connect(replica.url).info()).toContain('master_link_status:up'), PATIENCE)
    expect(await check({ url: replica.url })).toEqual([told('REDIS_REPLICA', 'error', /Connect to the master/)])
  })

  it('the same behind Sentinel', async () => {
    const { sentinels, name, stop } = await startSentinels()
    onTestFinished(() => stop())
    expect(await check({ sentinels, name })).toEqual([told('REDIS_UNSAVED', 'warning', /^Redis saves nothing/)])
  })
})

describe('in a Cluster, check says', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>

  beforeAll(async () => {
    cluster = await startCluster()
  }, FAILOVER_MS)

  afterAll(() => cluster.stop())

  it('which masters have a fault', async () => {
    const [saved, ...others] = await cluster.masters()
    await connect(saved?.url ?? '').config('SET', 'appendonly', 'yes')
    for (const { url } of [saved, ...others].filter((master) => master !== undefined))
      await connect(url).config('SET', 'cluster-require-full-coverage', 'no')
    const found = await check({ nodes: cluster.addresses })
    expect(found).toEqual([told('REDIS_UNSAVED', 'warning', /^Redis at \S+, \S+ saves nothing to disk/)])
    for (const { port } of others) expect(found[0]?.message).toContain(`127.0.0.1:${port}`)
  })

  it('REDIS_COVERAGE of the masters that stop when another one fails', async () => {
    const [master, ...others] = await cluster.masters()
    await connect(master?.url ?? '').config('SET', 'cluster-require-full-coverage', 'yes')
    for (const { url } of others) await connect(url).config('SET', 'cluster-require-full-coverage', 'no')
    expect(await check({ nodes: cluster.addresses })).toContainEqual(
      told('REDIS_COVERAGE', 'warning', new RegExp(`^Redis at 127.0.0.1:${master?.port} refuses every call `)),
    )
  })

  it('REDIS_CLUSTER if the option url names one of its nodes', async () => {
    const [master] = await cluster.masters()
    expect(await check({ url: master?.url })).toContainEqual(
      told('REDIS_CLUSTER', 'error', /option nodes, instead of url\.$/),
    )
  })

  it('REDIS_NODE if a master does not answer', async () => {
    const [frozen] = await cluster.masters()
    const sess = sessions(redis, { secret: SECRET, nodes: cluster.addresses })
    onTestFinished(() => sess.close())
    await sess.check()
    await frozen?.freeze()
    const found = await sess.check()
    frozen?.thaw()
    expect(found).toContainEqual(
      told('REDIS_NODE', 'error', new RegExp(`^Redis at 127.0.0.1:${frozen?.port} does not answer`)),
    )
  })

  it('REDIS_CLUSTER if some slots have no server', async () => {
    const server = await ownServer(
      ...SAVED,
      '--cluster-enabled',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
      '--cluster-require-full-coverage',
      'no',
    )
    const direct = connect(server.url)
    await direct.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
    await vi.waitFor(async () => expect(await direct.call('CLUSTER', 'INFO')).toContain('cluster_state:ok'), PATIENCE)
    expect(await check({ nodes: [{ host: '127.0.0.1', port: server.port }] })).toContainEqual(
      told('REDIS_CLUSTER', 'error', /state ok, and that 8192 of 16384 slots/),
    )
  })
})
