import { type Session, type Sessions, sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Place, places, SECRET } from './support/backends.ts'
import { chance } from './support/chance.ts'
import { comesTrue } from './support/condition.ts'
import { type Aftermath, Duel, orderOf, rightEnding } from './support/duel.ts'
import { Fleet } from './support/fleet.ts'
import { inParallel } from './support/parallel.ts'

/** Milliseconds. Long enough that no call is late, however busy the machine is. */
const DEADLINE = 8000

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe.each(places)('four processes on %s', (_, open) => {
  let place: Place
  let fleet: Fleet

  beforeAll(async () => {
    place = await open(DEADLINE)
    fleet = await Fleet.start(place)
  })

  afterAll(async () => {
    await fleet.stop()
    await place.stop()
  })

  it('count to 400 together: no increment is lost, none is done twice', async () => {
    const browser = await fleet.visit()
    await inParallel(400, 32, (number) => browser.insist(number, 'POST /increment'))
    expect(browser.failures).toBe(0)
    expect((await browser.look()).map(({ count }) => count)).toEqual([400, 400, 400, 400])
  })

  it('write 200 keys of one session at once, and every process finds all of them', async () => {
    const browser = await fleet.visit()
    const all: Record<string, string> = { user: 'somebody' }
    await inParallel(200, 200, async (number) => {
      all[`key${number}`] = `value${number}`
      await browser.insist(number, `POST /set?key=key${number}&value=value${number}`)
    })
    expect(browser.failures).toBe(0)
    expect(await browser.look()).toEqual([all, all, all, all])
  })

  it('count while the session moves by logins: no increment is lost, none is done twice', async () => {
    const browser = await fleet.visit()
    await inParallel(200, 16, async (number) => {
      if (number % 50 === 25) await browser.insist(number, 'POST /login')
      await browser.insist(number, 'POST /increment')
    })
    expect(browser.failures).toBe(0)
    expect((await browser.look()).map(({ count }) => count)).toEqual([200, 200, 200, 200])
  })

  it('count all that they acknowledge, and nothing twice, while replies are lost or processes killed', async () => {
    const browser = await fleet.visit()
    const random = chance()
    const progress = { acknowledged: 0, isOver: false }
    async function count(__: unknown, number: number): Promise<void> {
      while (!progress.isOver) {
        const { status } = await browser.send(number, 'POST /increment')
        if (status === 200) progress.acknowledged++
      }
    }
    const counting = Array.from({ length: 12 }, count)
    await place.proxy?.set({ loseReplyTo: () => random() < 0.05 })
    for (const index of [0, 1]) {
      const goal = progress.acknowledged + 50 + 100 * random()
      await comesTrue(() => progress.acknowledged >= goal)
      if (place.proxy === undefined) await fleet.applications[index]?.restart()
    }
    await place.proxy?.set('none')
    progress.isOver = true
    await Promise.all(counting)

    const { acknowledged } = progress
    const { failures } = browser
    expect(failures).toBeGreaterThan(0)
    for (const { count: counted } of await browser.look()) {
      expect(counted).toBeGreaterThanOrEqual(acknowledged)
      expect(counted).toBeLessThanOrEqual(acknowledged + failures)
    }
  })
})

describe.each(places)('30 requests of one session at once, on %s,', (_, open) => {
  let place: Place
  let store: ServerStore

  beforeAll(async () => {
    place = await open(DEADLINE)
    store = place.openStore()
  })

  afterAll(async () => {
    await store.close()
    await place.stop()
  })

  interface Data {
    visits: number
    csrf: string
  }

  /** Passes each request's session to `use`, at once, and returns what `use` resolves with. */
  async function atOnce<T>(use: (session: Session<Data>, number: number) => Promise<T>) {
    const sess: Sessions<Data> = sessions(store, { secret: SECRET })
    const first = sess.exchange(null)
    Object.assign(await first.open(), { visits: 0 })
    const cookie = (await first.commit(200)).find(([name]) => name === 'set-cookie')?.[1].split(';')[0]
    const exchanges = Array.from({ length: 30 }, () => sess.exchange(cookie))
    const opened = await Promise.all(exchanges.map((exchange) => exchange.open()))
    const results = await Promise.all(opened.map(use))
    await Promise.all(exchanges.map((exchange) => exchange.commit(200)))
    return { results, stored: { ...(await sess.exchange(cookie).open()) } }
  }

  it('are each told their own number after save()', async () => {
    const { results, stored } = await atOnce(async (session) => {
      session.update('visits', (visits = 0) => visits + 1)
      await session.save()
      return session.visits ?? 0
    })
    expect(results.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 30 }, (__, index) => index + 1))
    expect(stored.visits).toBe(30)
  })

  it('are all told the token that is stored', async () => {
    const { results, stored } = await atOnce(async (session, number) => {
      session.update('csrf', (token) => token ?? `token ${number}`)
      await session.save()
      return session.csrf
    })
    expect(new Set(results)).toEqual(new Set([stored.csrf]))
  })

  it('store a save() that is not awaited once', async () => {
    const { stored } = await atOnce(async (session) => {
      session.update('visits', (visits = 0) => visits + 1)
      void session.save()
    })
    expect(stored.visits).toBe(30)
  })
})

describe.each(places)('a logout during a write in another process, on %s', (_, open) => {
  let place: Place
  let stores: readonly [ServerStore, ServerStore]
  let aftermaths: readonly Aftermath[] = []

  beforeAll(async () => {
    place = await open(DEADLINE)
    stores = [place.openStore(), place.openStore()]
    aftermaths = await inParallel(1024, 64, (number) => new Duel(stores, number % 128).fight())
  })

  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await place.stop()
  })

  it('is tried in each of the ten orders of their calls', () => {
    expect(new Set(aftermaths.map(({ steps }) => orderOf(steps))).size).toBe(10)
  })

  it('is final: the cookie opens an empty session', () => {
    expect(aftermaths.filter(({ opened }) => Object.keys(opened).length > 0)).toEqual([])
  })

  it('leaves nothing alive in the store', () => {
    expect(aftermaths.filter(({ isGone }) => !isGone)).toEqual([])
  })

  it('lets the write be stored before it, and refuses it after it', () => {
    expect(aftermaths.filter(({ steps, ending }) => ending !== rightEnding(steps))).toEqual([])
  })

  it('hands nothing over to a session that the write begins after it', () => {
    const begun = aftermaths.filter(({ ending }) => ending === 'begun').map((aftermath) => aftermath.begun)
    expect(begun.length).toBeGreaterThan(0)
    for (const content of begun) expect(content).toEqual({ note: 'written' })
  })
})
