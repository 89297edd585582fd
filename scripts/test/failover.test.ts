import { readdirSync } from 'node:fs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type Redis, startCluster, startSentinels } from '../servers/redis.js'
import { ask } from '../servers/server.js'
import { newFolder } from './support.ts'

let folder = ''

beforeEach(() => {
  folder = newFolder()
})

describe('sentinels', () => {
  it('make the replica the master when the master dies', async () => {
    vi.stubEnv('TMPDIR', folder)
    const { sentinels, name, master, replica, stop } = await startSentinels()
    const current = () =>
      Promise.all(sentinels.map(({ port }) => ask(port, `SENTINEL GET-MASTER-ADDR-BY-NAME ${name}`)))
    for (const answer of await current()) expect(answer).toContain(String(master().port))
    await master().kill()
    await vi.waitFor(async () => {
      for (const answer of await current()) expect(answer).toContain(String(replica().port))
    }, 10_000)
    await stop()
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a cluster', () => {
  it('serves every slot, and a replica takes the place of a master that dies', async () => {
    vi.stubEnv('TMPDIR', folder)
    const { nodes, addresses, masters, stop } = await startCluster()
    expect(addresses).toEqual(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
    const before = await masters()
    expect(before).toHaveLength(3)
    const serve = async (of: readonly Redis[]) => {
      const answers = await Promise.all(
        of.map(({ port }) => ask(port, 'SET a 1', 'SET b 1', 'SET c 1', 'CLUSTER INFO')),
      )
      expect(answers.join('').match(/\+OK\r\n/g)).toHaveLength(of.length + 3)
      for (const answer of answers) expect(answer).toContain('cluster_state:ok')
    }
    await serve(before)

    await before[0]?.kill()
    await vi.waitFor(async () => {
      expect(await masters()).toHaveLength(3)
      await serve(await masters())
    }, 10_000)
    expect(await masters()).not.toContain(before[0])
    await stop()
    expect(readdirSync(folder)).toEqual([])
  })
})
