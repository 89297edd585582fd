import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startImpostor } from './support/relay.ts'
import { ownServer, sharedServer } from './support/server.ts'
import { entry, numbers, succeed } from '../../../tests/support/stores.ts'
import { openStore } from './support/stores.ts'

const server = sharedServer()
const MINUTE = 60 * 1000
const DAY = 24 * 60 * MINUTE

describe('6 expiry', () => {
  it('6.1 and 6.2 the server removes an expired entry, and not a millisecond early', async () => {
    // A server reads its clock once a second, at a moment that drifts over hours. A freeze shifts it at once.
    const drifts = [0, 200, 400, 600, 800]
    const stores = await Promise.all(
      drifts.map(async (drift) => {
        const own = await ownServer()
        await own.freeze()
        await sleep(1000 + drift)
        own.thaw()
        return openStore({ servers: own.address })
      }),
    )
    const left = new Map<string, { expiresAt: number; read: () => Promise<unknown> }>()
    const now = Date.now()
    for (const [n, store] of stores.entries()) {
      for (const phase of numbers(20)) {
        const expiresAt = now + 1000 + phase * 50
        const key = `key-${n}-${phase}`
        await succeed(store.create(key, entry('data', expiresAt)))
        left.set(key, { expiresAt, read: () => store.read(key) })
      }
    }
    const early: number[] = []
    const end = performance.now() + 15_000
    while (left.size > 0 && performance.now() < end) {
      for (const [key, { expiresAt, read }] of left) {
        if ((await read()) !== null) continue
        if (Date.now() < expiresAt) early.push(expiresAt - Date.now())
        left.delete(key)
      }
      await sleep(5)
    }
    expect(early).toEqual([])
    expect(left.size).toBe(0)
  })

  it('6.2 an update replaces the expiry, whether it is sooner or later', async () => {
    const store = openStore({ servers: server.address })
    const now = Date.now()
    const lengthened = await succeed(store.create('later', entry('data', now + 2000)))
    await succeed(store.update('later', entry('data', now + DAY), lengthened))
    const shortened = await succeed(store.create('sooner', entry('data', now + DAY)))
    await succeed(store.update('sooner', entry('data', now + 2000), shortened))
    await expect.poll(() => store.read('sooner'), { timeout: 10_000 }).toBeNull()
    expect(await store.read('later')).toMatchObject({ expiresAt: now + DAY })
  })

  it('6.4 a date far ahead is stored by create and by update, and read back exactly', async () => {
    const store = openStore({ servers: server.address })
    const now = Date.now()
    const seconds = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32]
    const dates = [now + 29 * DAY, now + 31 * DAY, now + 3650 * DAY, ...seconds.map((n) => n * 1000), 8.64e15]
    for (const expiresAt of dates) {
      const version = await succeed(store.create(`update-${expiresAt}`, entry('data')))
      await succeed(store.update(`update-${expiresAt}`, entry('data', expiresAt), version))
      await succeed(store.create(`create-${expiresAt}`, entry('data', expiresAt)))
    }
    // The server removes an entry that it takes for expired only after its clock has ticked.
    await sleep(2000)
    for (const expiresAt of dates) {
      expect(await store.read(`create-${expiresAt}`)).toMatchObject({ data: 'data', expiresAt })
      expect(await store.read(`update-${expiresAt}`)).toMatchObject({ data: 'data', expiresAt })
    }
  })

  /** From now on, the clock of this process is behind the server's by so many milliseconds. */
  const beBehind = (ms: number): void => {
    vi.spyOn(Date, 'now').mockImplementation(() => Math.floor(performance.timeOrigin + performance.now() - ms))
    onTestFinished(() => void vi.restoreAllMocks())
  }

  it.each([
    ['20 minutes ahead, an entry of 15 minutes', 20 * MINUTE, 15 * MINUTE],
    ['20 minutes behind, an entry of 15 minutes', -20 * MINUTE, 15 * MINUTE],
    ['20 minutes ahead, an entry of 30 days', 20 * MINUTE, 30 * DAY],
    // memcached is told a date. At the end, this process's clock is where the server's was 20 minutes ago.
    ['20 minutes ahead, an entry of 31 days, a minute before its end', 31 * DAY + 19 * MINUTE, 31 * DAY],
  ])('7.9 the clock of the server is %s: it lives', async (_, ahead, life) => {
    beBehind(ahead)
    const store = openStore({ servers: server.address })
    const expiresAt = Date.now() + life
    await succeed(store.create('created', entry('data', expiresAt)))
    const version = await succeed(store.create('updated', entry('data')))
    await succeed(store.update('updated', entry('data', expiresAt), version))
    // The server removes an entry that it takes for expired only after its clock has ticked.
    await sleep(2000)
    vi.restoreAllMocks()
    expect(await store.read('created')).toMatchObject({ expiresAt })
    expect(await store.read('updated')).toMatchObject({ expiresAt })
  })

  it('7.9 whether memcached is told a date is decided after rounding', async () => {
    const store = openStore({ servers: server.address })
    const now = Date.now()
    const dates = [-3001, -2001, -2000, -1001, -1000, -500, -1, 0, 1, 500, 1000].map((ms) => now + 30 * DAY + ms)
    for (const expiresAt of dates) await succeed(store.create(`rounded-${expiresAt}`, entry('data', expiresAt)))
    await sleep(2000)
    for (const expiresAt of dates) expect(await store.read(`rounded-${expiresAt}`)).toMatchObject({ expiresAt })
  })

  it.each([
    ['the first millisecond', 1],
    ['a day after 1970', DAY],
    ['31 days after 1970', 31 * DAY],
    ['2001', Date.UTC(2001, 0)],
    ['a minute ago', Date.now() - 60_000],
  ])('6.5 %s is no error, and the entry does not live forever, by create and by update', async (name, expiresAt) => {
    const store = openStore({ servers: server.address })
    const key = name.replaceAll(' ', '-')
    await succeed(store.create(`${key}-new`, entry('data', expiresAt)))
    const version = await succeed(store.create(key, entry('data')))
    await succeed(store.update(key, entry('data', expiresAt), version))
    await expect.poll(() => store.read(`${key}-new`), { timeout: 10_000 }).toBeNull()
    await expect.poll(() => store.read(key), { timeout: 10_000 }).toBeNull()
    await succeed(store.create(key, entry('again')))
  })

  it('6.5 an update that has expired is made on a memcached that does not know `md`, before 1.6', async () => {
    const upstream = connect(server.port, '127.0.0.1')
    onTestFinished(() => void upstream.destroy())
    const asked: string[] = []
    const address = await startImpostor((commands, socket) => {
      asked.push(commands.slice(0, 3))
      if (commands.startsWith('md ')) socket.write('ERROR\r\n')
      else
        upstream
          .removeAllListeners('data')
          .on('data', (bytes) => socket.write(bytes))
          .write(commands)
    })
    const store = openStore({ servers: address })
    const version = await succeed(store.create('old', entry('data')))
    await succeed(store.update('old', entry('data', 1), version))
    expect(await store.read('old')).toBeNull()
    expect(asked).toEqual(['add', 'get', 'md ', 'cas', 'get'])
  })
})
