import { type ServerOperations, type ServerStore, serverStore, SessError, unavailable } from '@sess/core/adapter'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'

const DEADLINE = 1000
const PROBE = 250
const ENTRY = { data: 'data', expiresAt: 1 }

/** How a server fails: it leaves calls unanswered, loses the connection, or refuses them. */
type Fault = 'silent' | 'lost' | 'refusing' | undefined

/** Servers by name, and a store over them. A key begins with the name of its server. */
class Servers {
  readonly faults = new Map<string, Fault>()
  /** The calls that were sent. */
  sent: string[] = []
  readonly store: ServerStore

  constructor(operations: Partial<ServerOperations> = {}) {
    this.store = serverStore({
      name: 'test',
      maxBytes: 1000,
      deadline: DEADLINE,
      create: async (key) => this.#call('create', key, 'version'),
      read: async (key) => this.#call('read', key, null),
      update: async (key) => this.#call('update', key, 'version'),
      destroy: async (key) => this.#call('destroy', key, undefined),
      close: async () => undefined,
      ...operations,
    })
  }

  async #call<T>(method: string, key: string, answer: T): Promise<T> {
    this.sent.push(`${method} ${key}`)
    const [server = ''] = key.split('-')
    const fault = this.faults.get(server)
    if (fault === 'silent') return new Promise(() => undefined)
    if (fault === 'lost') throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    if (fault === 'refusing') throw Object.assign(new Error('OOM'), { code: 'OOM' })
    return answer
  }

  /** Makes calls until the store sends none. */
  async giveUp(server: string, fault: Fault): Promise<void> {
    this.faults.set(server, fault)
    const calls = Array.from({ length: 5 }, () => this.store.read(`${server}-0`).catch(() => undefined))
    await vi.advanceTimersByTimeAsync(DEADLINE)
    await Promise.all(calls)
    this.sent = []
  }
}

/** How a call ends, and after how many milliseconds. */
async function outcomeOf(call: Promise<unknown>): Promise<{ outcome: string; after: number }> {
  const began = performance.now()
  const ended = call.then(
    () => 'answered',
    (error: unknown) => (error instanceof SessError ? error.code : 'rejected'),
  )
  const told = ended.then((outcome) => ({ outcome, after: Math.round(performance.now() - began) }))
  await vi.advanceTimersByTimeAsync(2 * DEADLINE)
  return told
}

let servers: Servers
beforeEach(() => {
  vi.useFakeTimers()
  servers = new Servers()
})
afterEach(async () => {
  const closing = servers.store.close()
  await vi.advanceTimersByTimeAsync(DEADLINE)
  await closing
  vi.useRealTimers()
})

describe.each(['silent', 'lost'] as const)('after five calls in a row to a server that is %s', (fault) => {
  test.each<[string, (store: ServerStore) => Promise<unknown>]>([
    ['create', (store) => store.create('one-1', ENTRY)],
    ['read', (store) => store.read('one-1')],
    ['update', (store) => store.update('one-1', ENTRY, 'version')],
    ['destroy', (store) => store.destroy('one-1')],
  ])('%s fails at once', async (_, call) => {
    await servers.giveUp('one', fault)
    expect(await outcomeOf(call(servers.store))).toEqual({ outcome: 'UNAVAILABLE', after: 0 })
  })

  test('no write is sent', async () => {
    await servers.giveUp('one', fault)
    for (let call = 0; call < 10; call++) await outcomeOf(servers.store.create('one-1', ENTRY))
    expect(servers.sent.filter((sent) => !sent.startsWith('read'))).toEqual([])
  })

  test('one call in a quarter of a second is sent at most, as a probe', async () => {
    await servers.giveUp('one', fault)
    for (const probes of [1, 2, 3]) {
      const calls = []
      for (let waited = 0; waited < PROBE; waited += 10) {
        calls.push(failureOf(servers.store.create('one-1', ENTRY)))
        await vi.advanceTimersByTimeAsync(10)
      }
      await Promise.all(calls)
      expect(servers.sent).toHaveLength(probes)
    }
  })

  test('calls work again as soon as a probe was answered', async () => {
    await servers.giveUp('one', fault)
    await failureOf(servers.store.create('one-1', ENTRY))
    await vi.advanceTimersByTimeAsync(PROBE)
    servers.faults.clear()
    await failureOf(servers.store.create('one-1', ENTRY))
    expect(await servers.store.create('one-2', ENTRY)).toBe('version')
    expect(await servers.store.create('one-3', ENTRY)).toBe('version')
  })

  test('a call that comes much later waits for its probe, and is answered if the server is back', async () => {
    await servers.giveUp('one', fault)
    servers.faults.clear()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await outcomeOf(servers.store.create('one-2', ENTRY))).toEqual({ outcome: 'answered', after: 0 })
  })

  test('a probe that the server refuses proves that it answers', async () => {
    await servers.giveUp('one', fault)
    servers.faults.set('one', 'refusing')
    await failureOf(servers.store.create('one-1', ENTRY))
    await failureOf(servers.store.create('one-2', ENTRY))
    expect(servers.sent).toContain('create one-2')
  })

  test('calls that come much later wait for the same probe', async () => {
    await servers.giveUp('one', fault)
    servers.faults.clear()
    await vi.advanceTimersByTimeAsync(60_000)
    const calls = ['one-2', 'one-3', 'one-4'].map((key) => servers.store.create(key, ENTRY))
    expect(await Promise.all(calls)).toEqual(['version', 'version', 'version'])
    expect(servers.sent.filter((sent) => sent.startsWith('read'))).toEqual(['read one-2'])
  })

  test('a call that comes much later fails once its probe has failed', async () => {
    await servers.giveUp('one', fault)
    await vi.advanceTimersByTimeAsync(60_000)
    const { outcome, after } = await outcomeOf(servers.store.create('one-2', ENTRY))
    expect(outcome).toBe('UNAVAILABLE')
    expect(after).toBeLessThanOrEqual(PROBE)
  })

  test('the error says that the call was not sent and since when, with the cause of the last failure', async () => {
    await servers.giveUp('one', fault)
    const failing = failureOf(servers.store.read('one-1'))
    await vi.advanceTimersByTimeAsync(PROBE)
    const error = await failing
    expect(error.message).toMatch(
      /^The server of the test store has not answered for \d s, so this call was not sent\./,
    )
    expect(error.cause).toMatchObject({ code: fault === 'lost' ? 'ECONNRESET' : 'ETIMEDOUT' })
  })
})

describe('a server is not given up', () => {
  test('before the fifth call in a row failed', async () => {
    servers.faults.set('one', 'lost')
    for (let call = 0; call < 5; call++) await failureOf(servers.store.read('one-1'))
    expect(servers.sent).toHaveLength(5)
  })

  test('if a call between the failures is answered', async () => {
    for (let call = 0; call < 30; call++) {
      servers.faults.set('one', call % 4 === 3 ? undefined : 'lost')
      await servers.store.read('one-1').catch(() => undefined)
    }
    expect(servers.sent).toHaveLength(30)
  })

  test('because it refuses calls: a refusal is an answer', async () => {
    servers.faults.set('one', 'refusing')
    for (let call = 0; call < 30; call++) await failureOf(servers.store.create('one-1', ENTRY))
    expect(servers.sent).toHaveLength(30)
  })

  test('again because of calls that began before it came back', async () => {
    servers.faults.set('one', 'silent')
    const old = Array.from({ length: 20 }, () => servers.store.read('one-1').catch(() => undefined))
    await vi.advanceTimersByTimeAsync(DEADLINE / 2)
    servers.faults.clear()
    await servers.store.read('one-2')
    await vi.advanceTimersByTimeAsync(DEADLINE)
    await Promise.all(old)
    servers.sent = []
    await servers.store.read('one-3')
    expect(servers.sent).toEqual(['read one-3'])
  })
})

describe('with several servers', () => {
  beforeEach(() => {
    servers = new Servers({ serverOf: (key) => key.slice(0, 3) })
  })

  test('only the one that does not answer is given up', async () => {
    await servers.giveUp('one', 'lost')
    expect(await servers.store.create('two-1', ENTRY)).toBe('version')
    expect((await failureOf(servers.store.create('one-1', ENTRY))).code).toBe('UNAVAILABLE')
    expect(servers.sent).not.toContain('create one-1')
  })

  test('the error names it', async () => {
    await servers.giveUp('one', 'lost')
    const { message } = await failureOf(servers.store.read('one-1'))
    expect(message).toContain('The server one of the test store has not answered')
  })
})

test('a probe that is not answered in time lets the adapter drop the connection', async () => {
  const onTimeout = vi.fn<(began: number) => void>()
  servers = new Servers({ onTimeout })
  await servers.giveUp('one', 'silent')
  onTimeout.mockClear()
  const began = performance.now()
  await outcomeOf(servers.store.read('one-1'))
  expect(onTimeout.mock.calls).toEqual([[began]])
})

test('a store that keeps its deadline itself is given up too, by the error that it makes', async () => {
  const lost = unavailable('test', Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }))
  let calls = 0
  servers = new Servers({
    ownsDeadline: true,
    update: async () => {
      calls++
      throw lost
    },
    read: () => new Promise(() => undefined),
  })
  for (let call = 0; call < 20; call++) await outcomeOf(servers.store.update('one-1', ENTRY, 'version'))
  expect(calls).toBe(5)
})

test('closing ends a call that waits for a probe', async () => {
  await servers.giveUp('one', 'silent')
  await vi.advanceTimersByTimeAsync(60_000)
  const waiting = failureOf(servers.store.read('one-1'))
  const closing = servers.store.close()
  await vi.advanceTimersByTimeAsync(PROBE + 1)
  await closing
  expect((await waiting).code).toBe('UNAVAILABLE')
})

test('closing leaves no timer of a probe', async () => {
  await servers.giveUp('one', 'lost')
  await failureOf(servers.store.read('one-1'))
  await servers.store.close()
  expect(vi.getTimerCount()).toBe(0)
})
