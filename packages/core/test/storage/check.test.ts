import cookie from '@sess/adapter-cookie'
import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import type { Entry, Finding, ServerStore, Stored } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { Clock, MINUTE } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { FailingStore } from '../support/failing-store.ts'
import { storeWith } from '../support/operations.ts'
import { RefusingStore } from '../support/refusing-store.ts'
import { SECRET } from '../support/secret.ts'

const WARNING: Finding = { code: 'TEST_WARNING', severity: 'warning', message: 'Mend it.' }

function over(store: ServerStore, options: Partial<CoreOptions<string>> = {}): Sessions {
  return sessions(store, { secret: SECRET, ...options })
}

async function codesOf(sess: Sessions): Promise<readonly string[]> {
  return (await sess.check()).map(({ code }) => code)
}

/** Accepts a version that is not current. */
class OverwritingStore extends CountedStore {
  readonly #newest = new Map<string, string>()

  override async create(key: string, entry: Entry): ReturnType<ServerStore['create']> {
    return this.#note(key, await super.create(key, entry))
  }

  override async update(key: string, entry: Entry): ReturnType<ServerStore['update']> {
    return this.#note(key, await super.update(key, entry, this.#newest.get(key) ?? ''))
  }

  #note(key: string, version: string | null): string | null {
    if (version !== null) this.#newest.set(key, version)
    return version
  }
}

/** Answers `destroy` and removes nothing. */
class RevivingStore extends CountedStore {
  override async destroy(): Promise<void> {}
}

/** Creates what an update does not find. */
class UpsertingStore extends CountedStore {
  override async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
    return (await super.update(key, entry, version)) ?? super.create(key, entry)
  }
}

/** Answers every write, and finds nothing or something else. */
class LosingStore extends CountedStore {
  readonly #answer: (stored: Stored | null) => Stored | null

  constructor(answer: (stored: Stored | null) => Stored | null) {
    super()
    this.#answer = answer
  }

  override async read(key: string): Promise<Stored | null> {
    return this.#answer(await super.read(key))
  }
}

describe('check', () => {
  test('finds nothing wrong with a sound store', async () => {
    expect(await over(new CountedStore()).check()).toEqual([])
  })

  test('finds nothing wrong where sessions have owners', async () => {
    expect(await over(new CountedStore(), { owner: 'userId', maxPerOwner: 1 }).check()).toEqual([])
  })

  test('creates, reads, changes and removes one session, and leaves nothing in the store', async () => {
    const store = new CountedStore()
    await over(store).check()
    expect(new Set(store.methods)).toEqual(new Set(['create', 'read', 'update', 'destroy']))
    expect(store.methods.filter((method) => method === 'create')).toHaveLength(1)
    expect(await store.drain()).toBe(0)
  })

  test.each(['create', 'read', 'update', 'destroy'] as const)('reports a store that fails in %s', async (method) => {
    const store = new FailingStore()
    store.failing.add(method)
    expect(await over(store).check()).toEqual([
      { code: 'UNAVAILABLE', severity: 'error', message: 'The store is down.' },
    ])
  })

  test.each(['read', 'update'] as const)('leaves nothing in a store that fails in %s', async (method) => {
    const store = new FailingStore()
    store.failing.add(method)
    await over(store).check()
    expect(await store.drain()).toBe(0)
  })

  test('leaves nothing in a store that creates again what was removed', async () => {
    const store = new UpsertingStore()
    await over(store).check()
    expect(await store.drain()).toBe(0)
  })

  test('leaves what it cannot remove for a minute at most', async () => {
    const store = new FailingStore()
    store.failing.add('destroy')
    const clock = new Clock()
    await over(store, { clock: clock.read }).check()
    expect(await store.reclaim(clock.now + MINUTE)).toBe(1)
  })

  test.each<[string, () => ServerStore, string]>([
    ['finds nothing', () => new LosingStore(() => null), 'STORE_LOSES'],
    ['returns other data', () => new LosingStore((stored) => stored && { ...stored, data: '[]' }), 'STORE_LOSES'],
    [
      'returns another expiry',
      () => new LosingStore((stored) => stored && { ...stored, expiresAt: stored.expiresAt - 1 }),
      'STORE_LOSES',
    ],
    ['refuses a version that is current', () => Object.assign(new RefusingStore(), { refuses: true }), 'STORE_LOSES'],
    ['takes a version that is not current', () => new OverwritingStore(), 'STORE_OVERWRITES'],
    ['removes nothing', () => new RevivingStore(), 'STORE_REVIVES'],
    ['creates again what was removed', () => new UpsertingStore(), 'STORE_REVIVES'],
  ])('reports a store that %s', async (_, open, code) => {
    expect(await over(open()).check()).toEqual([
      { code, severity: 'error', message: expect.stringMatching(/^The memory store /) },
    ])
  })

  test.each<[string, () => ServerStore]>([
    ['fresh', () => Object.assign(new LosingStore(() => null), { lacks: ['fresh'] as const })],
    ['atomic', () => Object.assign(new OverwritingStore(), { lacks: ['atomic'] as const })],
  ])('does not ask for what the store says it lacks: %s', async (lack, open) => {
    const accept = lack === 'fresh' ? (['fresh'] as const) : (['atomic'] as const)
    expect(await over(open(), { accept }).check()).toEqual([])
  })

  test("adds what the store says about its backend's set-up", async () => {
    const store = Object.assign(new CountedStore(), { check: async () => [WARNING] })
    expect(await over(store).check()).toEqual([WARNING])
  })

  test('asks the store about its set-up also when the session could not be stored', async () => {
    const store = Object.assign(new FailingStore(), { check: async () => [WARNING] })
    store.failing.add('create')
    expect(await codesOf(over(store))).toEqual(['UNAVAILABLE', 'TEST_WARNING'])
  })

  test('reports one failure once', async () => {
    const store = storeWith({
      create: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
      check: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
    })
    expect(await over(store).check()).toEqual([
      {
        code: 'UNAVAILABLE',
        severity: 'error',
        message:
          'The test store failed: connect ECONNREFUSED. Nothing listens there: start the server, or correct the address.',
      },
    ])
  })

  test('reports a set-up that cannot be looked at', async () => {
    const store = Object.assign(new CountedStore(), { check: () => Promise.reject(new Error('no right to look')) })
    expect(await over(store).check()).toMatchObject([
      { code: 'UNAVAILABLE', severity: 'error', message: 'The memory store failed: no right to look.' },
    ])
  })

  test('writes one line, without the login of an address', async () => {
    const store = storeWith({
      create: () => Promise.reject(new Error('cannot reach\n  x://ada:hunter2@host:1/')),
    })
    const [finding] = await over(store).check()
    expect(finding?.message).toBe('The test store failed: cannot reach x://host:1/.')
  })

  test('finds nothing wrong with the cookie store', async () => {
    expect(await sessions(cookie, { secret: SECRET }).check()).toEqual([])
  })

  test('reports a client store that opens a token as another session', async () => {
    const sess = sessions(
      {
        contract: 1,
        kind: 'client',
        name: 'test',
        maxBytes: 1000,
        seal: () => 'token',
        open: () => ({ data: 'other', expiresAt: 1, outdated: false }),
      },
      { secret: SECRET },
    )
    expect(await codesOf(sess)).toEqual(['STORE_LOSES'])
  })

  test.each([
    ['one character', 'a'.repeat(40), ['SECRET_WEAK']],
    ['a few characters', 'abcabcabcabcabcabcabcabcabcabcabcabc', ['SECRET_WEAK']],
    ['an older one that is', [SECRET, 'x'.repeat(40)], ['SECRET_WEAK']],
    ['32 hexadecimal digits', '9f86d081884c7d659a2feaa0c55ad015', []],
  ])('reports a secret that can be guessed: %s', async (_, secret, codes) => {
    expect(await codesOf(over(new CountedStore(), { secret }))).toEqual(codes)
  })
})

describe('prune', () => {
  class PrunedStore extends CountedStore {
    prune(now: number): Promise<number> {
      return this.reclaim(now)
    }
  }

  test('removes the sessions that have expired, and counts them', async () => {
    const [store, clock] = [new PrunedStore(), new Clock()]
    const sess = over(store, { clock: clock.read, idleTimeout: MINUTE })
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    await exchange.commit(200)
    expect(await sess.prune()).toBe(0)
    clock.advance(MINUTE)
    expect(await sess.prune()).toBe(1)
    expect(await store.drain()).toBe(0)
  })

  test('removes nothing that is alive by the clock of others with the same store', async () => {
    const [store, clock, behind] = [new PrunedStore(), new Clock(), new Clock()]
    const adapter = Object.assign(() => store, { id: 'pruned@1' })
    const [ahead, other] = [clock, behind].map(({ read }) =>
      sessions(adapter, { secret: SECRET, clock: read, idleTimeout: MINUTE }),
    )
    const exchange = ahead?.exchange(null)
    Object.assign((await exchange?.open()) ?? {}, { user: 7 })
    await exchange?.commit(200)
    clock.advance(MINUTE)
    expect(await ahead?.prune()).toBe(0)
    await other?.close()
    expect(await ahead?.prune()).toBe(1)
  })

  test.each<[string, () => Sessions]>([
    ['a store whose backend does it', () => over(new CountedStore())],
    ['the cookie store', () => sessions(cookie, { secret: SECRET })],
  ])('is 0 with %s', async (_, open) => {
    expect(await open().prune()).toBe(0)
  })

  test("rejects with the store's error", async () => {
    const store = Object.assign(new CountedStore(), { prune: () => Promise.reject(new Error('down')) })
    expect(await failureOf(over(store).prune())).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The memory store failed.',
    })
  })
})

describe.each(['check', 'prune'] as const)('%s', (method) => {
  test('is DISABLED if sessions are off', async () => {
    expect((await failureOf(sessions(false)[method]())).code).toBe('DISABLED')
  })

  test('is CLOSED after close', async () => {
    const sess = over(new CountedStore())
    await sess.close()
    expect((await failureOf(sess[method]())).code).toBe('CLOSED')
  })

  test('is waited for by close', async () => {
    const order: string[] = []
    const store = Object.assign(new CountedStore(), {
      check: async () => {
        await new Promise((resolve) => void setImmediate(resolve))
        order.push('done')
        return []
      },
      prune: async () => {
        await new Promise((resolve) => void setImmediate(resolve))
        order.push('done')
        return 0
      },
    })
    const sess = over(store)
    const working = sess[method]()
    await sess.close().then(() => order.push('closed'))
    await working
    expect(order).toEqual(['done', 'closed'])
  })
})
