import redis, { type RedisOptions } from '@sess/adapter-redis'
import { type Sessions, sessions } from '@sess/core'
import { createAdapterContext, type ServerStore } from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startCluster, startSentinels } from '../../../scripts/servers/redis.js'
import { Signal } from '../../core/test/support/signal.ts'
import { asServerStore } from '../../../tests/support/backends.ts'
import { type Action, type Answer, type Request, type Server, serverOn } from '../../../tests/support/owner-fleet.ts'
import { answer } from '../../../tests/support/requests.js'
import { numbers, SECRET, until, works } from '../../../tests/support/stores.ts'
import { FAILOVER_MS, openStore } from './stores.ts'

/** Milliseconds. More than a twentieth of the idle timeout, so that a request extends its session. */
const A_WHILE = 2 * 60 * 60 * 1000
const PREFIX = 'failover:'

/** What was going on when the replica began to lag. */
interface Interrupted {
  readonly action: Action
  /** How many writes of the action the replica still gets. */
  readonly written: number
}

/** `new`: the browser that the action has given a cookie. */
type Device = 'first' | 'second' | 'new'

/** What is left once the replica is the master. */
interface Case extends Interrupted {
  /** The cookies that open a session. */
  readonly live: readonly Device[]
  readonly listed: readonly Device[]
}

const BOTH: readonly Device[] = ['first', 'second']

/** A user has two devices. The first one acts, or is revoked; a login is that of a third one. */
const CASES: readonly Case[] = [
  { action: 'login', written: 0, live: BOTH, listed: BOTH },
  { action: 'login', written: 1, live: [...BOTH, 'new'], listed: BOTH },
  { action: 'move', written: 0, live: BOTH, listed: BOTH },
  { action: 'move', written: 1, live: [...BOTH, 'new'], listed: BOTH },
  // For a minute, the old token shows what the session held.
  { action: 'move', written: 2, live: [...BOTH, 'new'], listed: BOTH },
  { action: 'logout', written: 0, live: BOTH, listed: BOTH },
  { action: 'logout', written: 1, live: ['second'], listed: ['second'] },
  { action: 'revoke one', written: 0, live: BOTH, listed: BOTH },
  { action: 'revoke all', written: 0, live: BOTH, listed: BOTH },
  // The revocation had begun. The next call that lists the sessions finishes it.
  { action: 'revoke one', written: 1, live: ['second'], listed: ['second'] },
  { action: 'revoke all', written: 1, live: [], listed: [] },
]

/** The session of a login whose listing is lost. */
const UNLISTED: Interrupted = { action: 'login', written: 1 }

type Cookies = Readonly<Partial<Record<Device, string>>>
type Sentinels = Awaited<ReturnType<typeof startSentinels>>

let group: Sentinels
/** The browser of each user, by the user's name. */
const browsers = new Map<string, Cookies>()

beforeAll(async () => {
  group = await startSentinels()
  const context = createAdapterContext({ secret: SECRET })
  const store = asServerStore(redis({ ...placeOf(group), deadline: 20_000 }, context))
  const isLagging = new Signal()
  const users = [...CASES.map((each) => [nameOf(each), each] as const), ['revokes', UNLISTED] as const]
  const acting = await Promise.all(
    users.map(async ([user, interrupted]) => begin(store, user, interrupted, isLagging.happened)),
  )
  await cutOff(group.master(), group.replica())
  isLagging.fire()
  for (const { user, done } of acting) browsers.set(user, await done)
  await store.close()
  await group.master().kill()
}, FAILOVER_MS)

afterAll(() => group.stop())

function nameOf({ action, written }: Interrupted): string {
  return `${action} ${written}`
}

function placeOf({ sentinels, name }: Sentinels) {
  return { sentinels, name, prefix: PREFIX }
}

/** Begins an action. Resolves when all that is left of it are writes that the replica does not get. */
async function begin(
  store: ServerStore,
  user: string,
  { action, written }: Interrupted,
  isLagging: Promise<void>,
): Promise<{ readonly user: string; readonly done: Promise<Cookies> }> {
  const sess = sessions(store, { secret: SECRET, owner: 'user' })
  const { id = '', cookie: first = '' } = await succeed(sess, { action: 'login', user, device: 'first' })
  const { cookie: second = '' } = await succeed(sess, { action: 'login', user, device: 'second' })
  const isHeld = new Signal()
  const held = holding(store, written, () => {
    isHeld.fire()
    return isLagging
  })
  const acting = succeed(sessions(held, { secret: SECRET, owner: 'user' }), {
    action,
    user,
    device: 'new',
    ...(action !== 'login' && { cookie: first }),
    id,
  })
  const end = acting.then(() => {
    throw new Error('The action has ended before there was such a write.')
  })
  await Promise.race([isHeld.happened, end])
  const cookies = async (): Promise<Cookies> => {
    const { cookie } = await acting
    return { first, second, ...(cookie && { new: cookie }) }
  }
  return { user, done: cookies() }
}

async function succeed(sess: Sessions, request: Request): Promise<Answer> {
  const answered = await answer(sess, request)
  expect(answered.code).toBe('ok')
  return answered
}

/** A store whose writes wait, except so many of them. */
function holding(store: ServerStore, free: number, wait: () => Promise<void>): ServerStore {
  let writes = 0
  const write = async <T>(call: () => Promise<T>): Promise<T> => {
    if (++writes > free) await wait()
    return call()
  }
  const { contract, kind, name, maxBytes, deadline } = store
  return {
    contract,
    kind,
    name,
    maxBytes,
    deadline,
    close: async () => undefined,
    read: (key) => store.read(key),
    create: (key, entry) => write(() => store.create(key, entry)),
    update: (key, entry, version) => write(() => store.update(key, entry, version)),
    destroy: (key) => write(() => store.destroy(key)),
  }
}

/** Lets the replica get what the master has, and nothing that comes later. */
async function cutOff(master: { readonly url: string }, replica: { readonly url: string }): Promise<void> {
  const [from, to] = [new Redis(master.url), new Redis(replica.url)]
  // It waits for the writes of its own connection. A master of a Cluster refuses keys that are not its own.
  let writes = 0
  await until(async () => (await from.set(`copied ${++writes}`, 1).catch(() => undefined)) === 'OK')
  expect(await from.wait(1, 5000)).toBe(1)
  // The master has no password, so it refuses this one when the replica comes back.
  await to.config('SET', 'masterauth', 'wrong')
  await from.call('CLIENT', 'KILL', 'TYPE', 'replica')
  await until(async () => (await to.info('replication')).includes('master_link_status:down'))
  from.disconnect()
  to.disconnect()
}

/** A server that begins so many milliseconds after the failover. */
async function serverAfter(options: RedisOptions, ms = 0): Promise<Server> {
  const store = openStore(options)
  await works(store)
  return serverOn(store, { clock: () => Date.now() + ms })
}

/** The devices whose cookies open a session of the user. */
async function liveOn(server: Server, user: string): Promise<readonly string[]> {
  const cookies = Object.entries(browsers.get(user) ?? {})
  const seen = await Promise.all(
    cookies.map(async ([device, cookie]) => {
      const { code, data } = await server.ask({ action: 'look', cookie })
      expect(code).toBe('ok')
      return data['user'] === user ? [device] : []
    }),
  )
  return seen.flat()
}

async function listedOn(server: Server, user: string): Promise<readonly unknown[]> {
  const { code, devices = [] } = await server.ask({ action: 'list', user })
  expect(code).toBe('ok')
  return devices
}

describe('after a failover to a replica that lagged', () => {
  describe.each(CASES)('$action, $written writes of which were copied: $live alive, $listed listed', (each) => {
    const user = nameOf(each)

    it('is what the user finds', async () => {
      const server = await serverAfter(placeOf(group))
      expect(new Set(await listedOn(server, user))).toEqual(new Set(each.listed))
      expect(new Set(await liveOn(server, user))).toEqual(new Set(each.live))
    })

    it('is listed once it is extended, and ended by another revocation', async () => {
      const server = await serverAfter(placeOf(group), A_WHILE)
      const live = await liveOn(server, user)
      expect(await listedOn(server, user)).toHaveLength(live.length)
      expect(await server.ask({ action: 'revoke all', user })).toMatchObject({ count: live.length })
      expect(await liveOn(server, user)).toEqual([])
    })
  })

  it('ends a session whose listing was lost at the first extension after a revocation', async () => {
    const server = await serverAfter(placeOf(group))
    expect(await server.ask({ action: 'revoke all', user: 'revokes' })).toMatchObject({ count: BOTH.length })
    expect(await liveOn(server, 'revokes')).toEqual(['new'])
    const later = await serverAfter(placeOf(group), A_WHILE)
    // The request that would extend it still sees it.
    expect(await liveOn(later, 'revokes')).toEqual(['new'])
    expect(await liveOn(later, 'revokes')).toEqual([])
  })
})

/** The number of users for each kind of write. Chance decides which masters hold a user's list and sessions. */
const USERS_OF_CLUSTER = 60

describe('after a failover of one master of a Cluster', () => {
  it(
    'a session may be alive and not listed, until it is extended',
    async () => {
      const cluster = await startCluster()
      onTestFinished(() => cluster.stop())
      const place = { nodes: cluster.addresses, prefix: PREFIX }
      const before = serverOn(openStore(place))
      const users = (['login', 'revoke one', 'revoke all'] as const).flatMap((action) =>
        numbers(USERS_OF_CLUSTER).map((number) => ({ action, user: `${action} in a Cluster ${number}` })),
      )
      const ids = new Map<string, string | undefined>()
      const ask = async ({ user, ...request }: Request & { readonly user: string }): Promise<void> => {
        const { code, id, cookie } = await before.ask({ user, ...request })
        expect(code).toBe('ok')
        ids.set(user, id)
        browsers.set(user, { ...browsers.get(user), ...(cookie && { [request.device ?? '']: cookie }) })
      }
      await Promise.all(users.map(({ user }) => ask({ action: 'login', user, device: 'first' })))
      const [master] = await cluster.masters()
      const replica = master && (await cluster.replicaOf(master))
      if (master === undefined || replica === undefined) throw new Error('expected a master with a replica')
      await cutOff(master, replica)
      await Promise.all(
        users.map(({ action, user }) => {
          const id = ids.get(user)
          return ask({ action, user, device: 'second', ...(id !== undefined && { id }) })
        }),
      )
      await master.kill()
      const server = await serverAfter(place)
      const states = async (on: Server) =>
        Promise.all(
          users.map(async ({ action, user }) => {
            const [live, listed] = [await liveOn(on, user), await listedOn(on, user)]
            return { action, user, live: live.length, listed: listed.length }
          }),
        )
      await until(async () => (await states(server).catch(() => undefined)) !== undefined)
      const after = await states(server)
      const unlisted = new Set(after.flatMap(({ action, live, listed }) => (listed < live ? [action] : [])))
      expect(unlisted).toEqual(new Set(['login', 'revoke one', 'revoke all']))
      const later = await serverAfter(place, A_WHILE)
      await states(later)
      for (const { user, live, listed } of await states(later)) expect({ user, listed }).toEqual({ user, listed: live })
      await Promise.all(users.map(({ user }) => later.ask({ action: 'revoke all', user })))
      for (const { user, live, listed } of await states(later))
        expect({ user, live, listed }).toEqual({ user, live: 0, listed: 0 })
    },
    FAILOVER_MS,
  )
})
