import { afterAll, beforeAll, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { Document } from './support/document.ts'
import { Jar } from './support/jar.ts'
import { PageProgram } from './support/page-program.ts'
import { workspace } from './support/workspace.ts'

const CLIENTS = 500
/** Requests under way. With all clients at once, one process would be behind its store's deadline. */
const AT_ONCE = 32
const LONG = 300_000

const at = new Installation()
let redis: Redis

beforeAll(async () => {
  workspace(at).write(new Document('docs/guide/coming-from-express-session.md').files)
  redis = await startRedis()
})

afterAll(async () => {
  await redis?.stop()
  at.remove()
})

async function release(file: string, more = {}): Promise<PageProgram> {
  const [OLD_SECRET, SESSION_SECRET] = [
    'the former secret, of 32 bytes or more',
    'a secret of the tests, of 32 bytes or more',
  ]
  return PageProgram.start(at, file, { REDIS_URL: redis.url, OLD_SECRET, SESSION_SECRET, ...more })
}

/** What the load balancer sends requests to: which of the releases, for a client with or without a cookie of @sess. */
interface Fleet {
  readonly former: readonly PageProgram[]
  readonly latter: readonly PageProgram[]
}

/** Each client comes to another program at each visit. */
function originFor({ jar, number, visits }: Client, { former, latter }: Fleet): string {
  const all = jar.has('sess') ? latter : [...former, ...latter]
  const program = all[(number + visits) % all.length]
  if (program === undefined) throw new Error('no release is up')
  return program.origin
}

interface Client {
  readonly jar: Jar
  readonly name: string
  readonly number: number
  visits: number
}

test(`a deploy under load logs none of ${CLIENTS} clients out, and loses no change`, { timeout: LONG }, async () => {
  const before = await release('before.mjs')
  const lost: string[] = []
  const clients: readonly Client[] = Array.from({ length: CLIENTS }, (_, n) => ({
    jar: new Jar(),
    name: `user${n}`,
    number: n,
    visits: 0,
  }))
  /** Each client makes a request: one after the other, as the former release would lose one of two at once. */
  const round = (fleet: Fleet): Promise<void> =>
    inLanes(clients, AT_ONCE, async (client) => {
      const { user, visits } = await client.jar.visit(originFor(client, fleet))
      client.visits++
      if (user !== client.name || visits !== client.visits) lost.push(`${client.name}: ${user} at visit ${visits}`)
    })

  await inLanes(clients, AT_ONCE, async ({ jar, name }) => expect(await jar.logIn(before.origin, name)).toBe(200))
  await round({ former: [before], latter: [] })
  const both = await release('after.mjs', { KEEP: 'yes' })
  for (let n = 0; n < 3; n++) await round({ former: [before], latter: [both] })
  await round({ former: [], latter: [both] })
  const after = await release('after.mjs')
  await round({ former: [], latter: [both, after] })
  await round({ former: [], latter: [after] })

  expect(lost).toEqual([])
  expect(clients.filter(({ jar }) => !jar.has('sess'))).toEqual([])
  await Promise.all([before, both, after].map((program) => program.stop()))
})

async function inLanes<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: width }, lane))
}
