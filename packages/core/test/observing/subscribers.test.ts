import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import memory from '@sess/adapter-memory'
import { sessions, type StoreMessage } from '@sess/core'
import { codeOf, createAdapterContext, type ServerStore } from '@sess/core/adapter'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { until } from '../../../../scripts/servers/server.js'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { FailingStore } from '../support/failing-store.ts'
import { FormerLibrary } from '../support/former-library.ts'
import { SECRET } from '../support/secret.ts'
import { Listener } from '../support/told.ts'

/** Subscribes until the test ends. Returns what ends that earlier. */
function listen(name: string, listener: (message: unknown) => void): () => void {
  subscribe(name, listener)
  const end = (): void => void unsubscribe(name, listener)
  onTestFinished(end)
  return end
}

const CHANNELS = ['open', 'commit', 'store'].flatMap((name) => {
  const { start, end, asyncStart, asyncEnd } = tracingChannel(`sess.${name}`)
  return [start, end, asyncStart, asyncEnd].map((one) => String(one.name))
})

describe('a subscriber that throws', () => {
  test.each([...CHANNELS, 'sess.begin', 'sess.login'])(
    'on %s, neither loses a change nor fails a request: Node reports it',
    async (name) => {
      const reported: unknown[] = []
      const report = (error: unknown): void => void reported.push(error)
      // Those of vitest would count it as an error of the test.
      const others = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException').on('uncaughtException', report)
      onTestFinished(() => {
        process.removeAllListeners('uncaughtException')
        for (const other of others) process.on('uncaughtException', other)
      })
      const browser = new Browser(sessions(new CountedStore(), { secret: SECRET }))
      const stop = listen(name, () => {
        throw new Error('of a subscriber')
      })
      await browser.visit((session) => {
        session['visits'] = 1
        session.regenerate()
      })
      await browser.visit((session) => session.update('visits', (visits) => Number(visits) + 1))
      await until('Node has reported it', async () => reported.length > 0)
      stop()
      expect(await browser.see()).toEqual({ visits: 2 })
      expect(reported.map(String)).toContain('Error: of a subscriber')
    },
  )
})

describe('the context of a subscriber', () => {
  /** Each traced work has the name of its channel in front of that of the work around it. */
  function nest(): AsyncLocalStorage<string> {
    const context = new AsyncLocalStorage<string>()
    for (const name of ['open', 'commit', 'store']) {
      const { start } = tracingChannel(`sess.${name}`)
      start.bindStore(context, () => [name, context.getStore()].filter(Boolean).join(' in '))
      onTestFinished(() => void start.unbindStore(context))
    }
    return context
  }

  test('is that of the work inside of it: a call of the store sees its open or its commit', async () => {
    const context = nest()
    const store = new CountedStore()
    const seen: unknown[] = []
    const note = <T>(call: Promise<T>): Promise<T> => {
      seen.push(context.getStore())
      return call
    }
    const watched: ServerStore = {
      contract: 1,
      kind: 'server',
      name: store.name,
      maxBytes: store.maxBytes,
      deadline: store.deadline,
      create: (...args) => note(store.create(...args)),
      read: (...args) => note(store.read(...args)),
      update: (...args) => note(store.update(...args)),
      destroy: (...args) => note(store.destroy(...args)),
      close: () => store.close(),
    }
    const browser = new Browser(sessions(watched, { secret: SECRET }))
    await browser.visit((session) => (session['visits'] = 1))
    await browser.visit((session) => (session['visits'] = 2))
    await browser.visit((session) => session.destroy())
    expect(seen).toEqual([
      'store in commit',
      'store in open',
      'store in commit',
      'store in open',
      'store in commit',
      'store in commit',
    ])
  })

  test('is that of what is told about a commit, and is over after it', async () => {
    const context = nest()
    const seen: unknown[] = []
    for (const name of ['begin', 'login', 'end'])
      listen(`sess.${name}`, () => seen.push(`${name} in ${context.getStore()}`))
    const browser = new Browser(sessions(new CountedStore(), { secret: SECRET }))
    await browser.visit((session) => {
      session['visits'] = 1
      session.regenerate()
    })
    seen.push(context.getStore())
    await browser.visit((session) => session.destroy())
    expect(seen).toEqual(['begin in commit', 'login in commit', undefined, 'end in commit'])
  })

  test('of the request reaches a call of the store', async () => {
    const context = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    listen('tracing:sess.store:start', () => seen.push(context.getStore()))
    const browser = new Browser(sessions(new CountedStore(), { secret: SECRET }))
    await context.run('a request', () => browser.visit((session) => (session['visits'] = 1)))
    expect(seen).toEqual(['a request'])
  })
})

describe('a call of the store', () => {
  test.each(['start', 'end', 'asyncStart', 'asyncEnd'])('is told to who has subscribed to %s alone', async (event) => {
    let count = 0
    listen(`tracing:sess.store:${event}`, () => count++)
    await new Browser(sessions(new CountedStore(), { secret: SECRET })).visit((session) => (session['visits'] = 1))
    expect(count).toBe(1)
  })

  test('that fails is told on error, with the error that the request gets', async () => {
    const store = new FailingStore()
    const browser = new Browser(sessions(store, { secret: SECRET }))
    await browser.visit((session) => (session['visits'] = 1))
    const events: unknown[] = []
    for (const event of ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
      listen(`tracing:sess.store:${event}`, (message) => events.push([event, { ...(message as StoreMessage) }]))
    store.failing.add('read')
    const error: unknown = await browser.see().catch((reason: unknown) => reason)
    const told = { store: 'memory', call: 'read' }
    expect(events).toEqual([
      ['start', told],
      ['end', told],
      ['error', { ...told, error }],
      ['asyncStart', { ...told, error }],
      ['asyncEnd', { ...told, error }],
    ])
    expect(codeOf(error)).toBe('UNAVAILABLE')
  })

  test('is told of a store that prunes, when core prunes it', async () => {
    const context = createAdapterContext({ secret: SECRET })
    const store = memory({ scope: 'pruned' }, context)
    if (store.kind !== 'server') throw new Error('expected a server store')
    const listener = new Listener()
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const sess = sessions(store, { secret: SECRET })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(listener.calls).toEqual(['prune'])
    await sess.close()
    await store.close()
  })

  test('of watch is told', async () => {
    const sess = sessions(new CountedStore(), { secret: SECRET })
    const browser = new Browser(sess)
    await browser.visit((session) => (session['visits'] = 1))
    const listener = new Listener()
    const request = new Request('https://localhost/', { headers: { cookie: browser.cookie } })
    const ended = await sess.watch(request)
    await until('the store was asked', async () => listener.calls.length > 1)
    expect(listener.told).toEqual([['open', { store: 'memory', id: '#1', outcome: 'found' }]])
    expect(listener.calls).toEqual(['read', 'read'])
    expect(ended.aborted).toBe(false)
    await sess.close()
  })
})

test('a session of another library is told to begin when it is taken over', async () => {
  const former = new FormerLibrary()
  const browser = new Browser(sessions(new CountedStore(), { secret: SECRET, migrate: [former] }))
  browser.jar.set('former.sid', former.begin('id', { user: 7 }))
  const listener = new Listener()
  await browser.see()
  const store = 'memory'
  expect(listener.told).toEqual([
    ['begin', { store, id: '#1' }],
    ['migrate', { from: 'former' }],
    ['open', { store, id: '#1', outcome: 'found' }],
    ['commit', { store, id: '#1', work: 'extend' }],
  ])
})

test('bytes are those of what the store was given', async () => {
  const store = new CountedStore()
  const bytes: unknown[] = []
  listen('tracing:sess.commit:asyncEnd', (message) => bytes.push(Reflect.get(Object(message), 'bytes')))
  const browser = new Browser(sessions(store, { secret: SECRET }))
  await browser.visit((session) => (session['text'] = 'größer'))
  await browser.visit((session) => (session['text'] = 'größer, and more'))
  await browser.visit((session) => session.regenerate())
  const stored = store.calls.filter(({ method, entry }) => method !== 'read' && entry?.data.startsWith('['))
  expect(bytes).toEqual(stored.map(({ entry }) => Buffer.byteLength(entry?.data ?? '')))
  expect(bytes.length).toBe(3)
})

test('whoever has unsubscribed hears nothing more', async () => {
  const browser = new Browser(sessions(new CountedStore(), { secret: SECRET }))
  let count = 0
  const stops = [...CHANNELS, 'sess.begin'].map((name) => listen(name, () => count++))
  await browser.visit((session) => (session['visits'] = 1))
  expect(count).toBe(4 * 3 + 1)
  for (const stop of stops) stop()
  await browser.visit((session) => (session['visits'] = 2))
  expect(count).toBe(4 * 3 + 1)
  expect([...CHANNELS, 'sess.begin'].filter((name) => channel(name).hasSubscribers)).toEqual([])
})
