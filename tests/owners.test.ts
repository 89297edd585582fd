import memory from '@sess/adapter-memory'
import { createAdapterContext, type ServerStore } from '@sess/core/adapter'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { asServerStore, type Place, places, postgresPlace, SECRET } from './support/backends.ts'
import { chance, SEED } from './support/chance.ts'
import { counted } from './support/counted.js'
import { type Answer, OwnerProcess, type Request, type Server, serverOn } from './support/owner-fleet.ts'
import { Round, type RoundSetting } from './support/owner-round.ts'
import { inParallel } from './support/parallel.ts'
import { numbers } from './support/stores.ts'
import { isNightly } from '../scripts/nightly.js'

/** Milliseconds. Long enough that no call is late, however busy the machine is. */
const DEADLINE = 20_000

/** On each store. With three revocations in a round, a nightly run has 2,250 on each. */
const ROUNDS = isNightly ? 750 : 12
/** Rounds at the same time. */
const WIDTH = 4
const REVOCATIONS = 3
/** The sessions of one user who has many. */
const MANY = isNightly ? 10_000 : 300
/** Milliseconds by which the clocks of two servers differ. */
const SKEW = 5000

vi.setConfig({ testTimeout: isNightly ? 1_200_000 : 120_000, hookTimeout: 60_000 })

type Home = Pick<Place, 'openStore' | 'stop'>

let scopes = 0

async function inMemory(deadline: number): Promise<Home> {
  const scope = `owners ${++scopes}`
  const context = createAdapterContext({ secret: SECRET })
  // Its own deadline cannot be set, and is within what a busy machine may take for a commit.
  const openStore = () => ({ ...asServerStore(memory({ scope }, context)), deadline })
  return { openStore, stop: async () => undefined }
}

type Open<T> = (deadline: number) => Promise<T>

const shared: readonly (readonly [name: string, open: Open<Place>])[] = [...places, ['postgres', postgresPlace]]
const all: readonly (readonly [name: string, open: Open<Home>])[] = [['memory', inMemory], ...shared]

interface Outcome {
  /** Tries the same again. */
  readonly seed: number
  readonly complaints: readonly string[]
  /** What never happened, so that what is promised of it was not tried. */
  readonly untried: readonly string[]
  readonly revocations: number
}

const FAULTLESS: Outcome = { seed: SEED, complaints: [], untried: [], revocations: ROUNDS * REVOCATIONS }

async function race(setting: Omit<RoundSetting, 'user' | 'random' | 'revocations'>): Promise<Outcome> {
  const random = chance()
  const sums = new Map<string, number>()
  const complaints = await inParallel(ROUNDS, WIDTH, async (number) => {
    const round = new Round({ ...setting, user: `user ${number}`, revocations: REVOCATIONS, random })
    const found = await round.run()
    for (const [name, count] of round.stats) sums.set(name, (sums.get(name) ?? 0) + count)
    return found
  })
  const untried = [...sums].filter(([, count]) => count === 0).map(([name]) => name)
  return { seed: SEED, complaints: complaints.flat(), untried, revocations: sums.get('revocations') ?? 0 }
}

/** Logs browsers of one user in, at most so many at the same time. Resolves with their cookies. */
async function logIn(servers: readonly Server[], user: string, count: number, width: number): Promise<string[]> {
  return inParallel(count, width, async (number) => {
    const { code, cookie } = await at(servers, number).ask({ action: 'login', user, device: `device ${number}` })
    expect(code).toBe('ok')
    return cookie ?? ''
  })
}

function at<T>(items: readonly T[], number: number): T {
  const item = items[number % items.length]
  if (item === undefined) throw new Error('there is nothing to choose from')
  return item
}

async function listed(server: Server, user: string): Promise<ReadonlySet<unknown>> {
  const { devices = [] } = await server.ask({ action: 'list', user })
  expect(new Set(devices).size).toBe(devices.length)
  return new Set(devices)
}

/** How many of the cookies open a session of a user. */
async function countAlive(servers: readonly Server[], cookies: readonly string[]): Promise<number> {
  const answers = await inParallel(cookies.length, 256, (number) =>
    at(servers, number).ask({ action: 'look', cookie: cookies[number] ?? '' }),
  )
  return answers.filter(({ data }) => data['user'] !== undefined).length
}

async function useMany(servers: readonly Server[], user: string, count: number) {
  const cookies = await logIn(servers, user, count, 256)
  const devices = await listed(at(servers, 0), user)
  const others = await at(servers, 1).ask({ action: 'revoke others', user, cookie: cookies[0] ?? '' })
  const alive = await countAlive(servers, cookies)
  const left = await listed(at(servers, 2), user)
  const rest = await at(servers, 3).ask({ action: 'revoke all', user })
  return { devices, revoked: [others.count, rest.count], alive, left, last: await listed(at(servers, 0), user) }
}

/** What becomes of many sessions of one user: all are listed, all but one are revoked, and then that one. */
const usedMany = (count: number): Awaited<ReturnType<typeof useMany>> => ({
  devices: devicesOf(count),
  revoked: [count - 1, 1],
  alive: 1,
  left: devicesOf(1),
  last: new Set(),
})

function devicesOf(count: number): ReadonlySet<unknown> {
  return new Set(numbers(count).map((number) => `device ${number}`))
}

function devicesWithBoth(count: number): ReadonlySet<unknown> {
  return new Set(numbers(count).flatMap((number) => [`device ${number}`, `newer device ${number}`]))
}

/** What `count` logins of one user at once cost each, in calls of the store. */
async function callsPerLogin(user: string, count: number, processes: readonly OwnerProcess[]): Promise<number> {
  const calls = async () => sum(await Promise.all(processes.map((process) => process.calls())))
  const before = await calls()
  const share = count / processes.length
  const answers = await Promise.all(
    processes.map((process, index) =>
      process.askAll(
        numbers(share).map((number): Request => ({
          action: 'login',
          user,
          device: `device ${index * share + number}`,
        })),
      ),
    ),
  )
  expect(answers.flat().map(({ code }: Answer) => code)).toEqual(numbers(count).map(() => 'ok'))
  return ((await calls()) - before) / count
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Two servers whose clocks stand so far ahead, in milliseconds, until the test ends. */
async function withClocks(processes: readonly OwnerProcess[], ...ahead: readonly [number, number]) {
  const pair = [at(processes, 0), at(processes, 1)] as const
  await Promise.all(pair.map((process, index) => process.setAhead(at(ahead, index))))
  onTestFinished(async () => {
    await Promise.all(pair.map((process) => process.setAhead(0)))
  })
  return pair
}

describe.each(all)('in one process, on %s,', (_, open) => {
  let home: Home
  let stores: readonly [ServerStore, ServerStore]

  beforeAll(async () => {
    home = await open(DEADLINE)
    stores = [home.openStore(), home.openStore()]
  })

  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await home.stop()
  })

  it('what was revoked is dead, what came afterwards lives, and what lives is listed', async () => {
    const servers = stores.map((store) => serverOn(store))
    expect(await race({ browsers: 6, steps: 6, servers, revoker: at(servers, 0) })).toEqual(FAULTLESS)
  })

  it(`${MANY} sessions of a user are listed, and revoked`, async () => {
    expect(await useMany([serverOn(stores[0])], 'somebody with many', MANY)).toEqual(usedMany(MANY))
  })

  it('200 logins of a user at once take 3.5 store calls each at most', async () => {
    const { store, calls } = counted(stores[0])
    const server = serverOn(store)
    await logIn([server], 'somebody in a hurry', 200, 200)
    expect(calls() / 200).toBeLessThanOrEqual(3.5)
    expect((await listed(server, 'somebody in a hurry')).size).toBe(200)
    expect(await server.ask({ action: 'revoke all', user: 'somebody in a hurry' })).toMatchObject({ count: 200 })
  })

  describe('while the secret is rotated', () => {
    const NEW = 'a newer secret for tests, of 32 bytes or more'
    const user = 'somebody at a rotation'

    /** Sessions of the user: some from before, some from during the rotation. They are gone when the test ends. */
    async function begun(count: number) {
      const [before, during, after] = [
        serverOn(stores[0]),
        serverOn(stores[0], { secret: [NEW, SECRET] }),
        serverOn(stores[0], { secret: NEW }),
      ]
      onTestFinished(async () => {
        await during.ask({ action: 'revoke all', user })
      })
      const older = await logIn([before], user, count, 64)
      const newer = await inParallel(count, 64, async (number) => {
        const { cookie } = await during.ask({ action: 'login', user, device: `newer device ${number}` })
        return cookie ?? ''
      })
      return { before, during, after, older, newer }
    }

    it.each([3, 100])('%i sessions with each secret are listed once, and revoked', async (count) => {
      const { during, older, newer } = await begun(count)
      expect(await listed(during, user)).toEqual(devicesWithBoth(count))
      expect(await during.ask({ action: 'revoke all', user })).toMatchObject({ count: 2 * count })
      expect(await countAlive([during], [...older, ...newer])).toBe(0)
      expect(await listed(during, user)).toEqual(new Set())
    })

    it.each([3, 100])('%i sessions whose tokens were renewed are listed without the older secret', async (count) => {
      const { during, after, older, newer } = await begun(count)
      const renewed = await inParallel(count, 64, async (number) => {
        const action = at(['look', 'change', 'move', 'move and change'] as const, number)
        const { cookie } = await during.ask({ action, cookie: older[number] ?? '' })
        return cookie ?? ''
      })
      expect(await listed(during, user)).toEqual(devicesWithBoth(count))
      expect(await listed(after, user)).toEqual(devicesWithBoth(count))
      expect(await countAlive([after], [...renewed, ...newer])).toBe(2 * count)
      expect(await after.ask({ action: 'revoke all', user })).toMatchObject({ count: 2 * count })
      expect(await countAlive([after, during], [...renewed, ...newer])).toBe(0)
    })

    it('maxPerOwner counts the sessions with either secret', async () => {
      const { older, newer } = await begun(3)
      const during = serverOn(stores[0], { secret: [NEW, SECRET], maxPerOwner: 4 })
      const { cookie } = await during.ask({ action: 'login', user, device: 'the last' })
      expect(await countAlive([during], [...older, ...newer, cookie ?? ''])).toBe(4)
      const still = await listed(during, user)
      expect(still.size).toBe(4)
      expect(still.has('the last')).toBe(true)
    })
  })
})

describe.each(shared)('in four processes, on %s,', (_, open) => {
  let place: Place
  let processes: readonly OwnerProcess[]
  let store: ServerStore

  beforeAll(async () => {
    place = await open(DEADLINE)
    processes = await Promise.all(numbers(4).map(() => OwnerProcess.start(place)))
    store = place.openStore()
  })

  afterAll(async () => {
    await Promise.all(processes.map((process) => process.stop()))
    await store.close()
    await place.stop()
  })

  it('what one revokes is dead, what came afterwards lives, and what lives is listed', async () => {
    expect(await race({ browsers: 12, steps: 6, servers: processes, revoker: serverOn(store) })).toEqual(FAULTLESS)
  })

  it(`${MANY} sessions of a user are listed, and revoked`, async () => {
    expect(await useMany(processes, 'somebody with many', MANY)).toEqual(usedMany(MANY))
  })

  it('200 logins of a user at once take 3.5 store calls each at most', async () => {
    const user = 'somebody in a hurry'
    expect(await callsPerLogin(user, 200, processes)).toBeLessThanOrEqual(3.5)
    expect(await listed(at(processes, 0), user)).toEqual(devicesOf(200))
    expect(await at(processes, 1).ask({ action: 'revoke all', user })).toMatchObject({ count: 200 })
  })

  describe(`whose clocks are ${SKEW} ms apart,`, () => {
    it.each([
      ['early', 0, SKEW],
      ['late', SKEW, 0],
    ])('what is listed is revoked by the one whose clock is %s', async (name, others, own) => {
      const [other, revoker] = await withClocks(processes, others, own)
      const user = `somebody revoked by the ${name} one`
      const cookies = await logIn([other, revoker], user, 80, 80)
      expect((await listed(revoker, user)).size).toBe(80)
      expect(await revoker.ask({ action: 'revoke all', user })).toMatchObject({ count: 80 })
      expect(await countAlive([other, revoker], cookies)).toBe(0)
    })

    it(`a login at the other one is refused with 409 for ${SKEW} ms at most after a revocation`, async () => {
      const user = 'somebody who comes again'
      const [other, revoker] = await withClocks(processes, 0, SKEW)
      const login: Request = { action: 'login', user, device: 'again' }
      await logIn([other], user, 1, 1)
      await revoker.ask({ action: 'revoke all', user })
      expect(['ok', 'CONFLICT']).toContain((await other.ask(login)).code)
      await withClocks(processes, SKEW, 2 * SKEW)
      // The time that both have gone on by, to the millisecond, and the first one after it.
      await expect.poll(async () => (await other.ask(login)).code, { interval: 1, timeout: 1000 }).toBe('ok')
      expect((await other.ask({ action: 'list', user })).devices).toContain('again')
    })

    it('a login at the one whose clock is early lives at once after a revocation by the other', async () => {
      const user = 'somebody who is quick'
      const [other, revoker] = await withClocks(processes, SKEW, 0)
      await logIn([revoker], user, 1, 1)
      await revoker.ask({ action: 'revoke all', user })
      const { code, cookie } = await other.ask({ action: 'login', user, device: 'again' })
      expect(code).toBe('ok')
      expect(await countAlive([other, revoker], [cookie ?? ''])).toBe(1)
    })
  })
})
