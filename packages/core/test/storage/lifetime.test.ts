import cookie from '@sess/adapter-cookie'
import { type AnyData, type CoreOptions, type Session, type Sessions, sessions } from '@sess/core'
import { type Adapter, type Entry, type ServerStore, SessError } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR, MINUTE, SECOND } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { SECRET } from '../support/secret.ts'
import { SERVERS } from '../support/servers.ts'

type Options = Partial<CoreOptions>

interface Timed {
  readonly clock: Clock
  /** Starts an application that shares its sessions with the others. */
  readonly start: (options?: Options) => Sessions
}

function onMemory(): Timed & { readonly store: CountedStore } {
  const clock = new Clock()
  const store = new CountedStore()
  return { clock, store, start: (options) => sessions(store, { secret: SECRET, clock: clock.read, ...options }) }
}

function onCookie(): Timed {
  const clock = new Clock()
  return { clock, start: (options) => sessions(cookie, { secret: SECRET, clock: clock.read, ...options }) }
}

const KINDS: readonly (readonly [kind: string, prepare: () => Timed])[] = [
  ['memory', onMemory],
  ['cookie', onCookie],
]

/** A browser whose session has just begun. */
async function begun(sess: Sessions): Promise<Browser> {
  const browser = new Browser(sess)
  await browser.visit((session) => Object.assign(session, { user: 7 }))
  return browser
}

const HERE = { user: 7 }
const ENDED = {}

describe.each(KINDS)('a session on the %s store', (_, prepare) => {
  test.each<[what: string, Options, after: number]>([
    ['by default', {}, DAY],
    ['of minutes', { idleTimeout: '15m' }, 15 * MINUTE],
    ['of a millisecond', { idleTimeout: 1 }, 1],
    ['of 31 days', { idleTimeout: '31d', absoluteTimeout: '31d' }, 31 * DAY],
    ['of ten years', { idleTimeout: '3650d', absoluteTimeout: '3650d' }, 3650 * DAY],
    ['by default, under a shorter absolute one', { absoluteTimeout: '1h' }, HOUR],
  ])('ends after its idle timeout, to the millisecond: %s', async (_what, options, after) => {
    const { clock, start } = prepare()
    const sess = start(options)
    const [early, late] = [await begun(sess), await begun(sess)]
    clock.advance(after - 1)
    expect(await early.see()).toEqual(HERE)
    clock.advance(1)
    expect(await late.see()).toEqual(ENDED)
  })

  test('ends after its absolute timeout, to the millisecond, however often it is used', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '2h', absoluteTimeout: '10h' }))
    for (let hour = 1; hour < 10; hour++) {
      clock.advance(HOUR)
      expect(await browser.see()).toEqual(HERE)
    }
    clock.advance(HOUR - 1)
    expect(await browser.see()).toEqual(HERE)
    clock.advance(1)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('lasts for 30 days by default', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start())
    for (let day = 0; day < 30; day++) {
      clock.advance(DAY - 1)
      expect(await browser.see()).toEqual(HERE)
    }
    clock.advance(30)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('may have timeouts that no date can hold', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: 8.64e15, absoluteTimeout: 8.64e15 }))
    clock.now = 8.64e15 - 1
    expect(await browser.see()).toEqual(HERE)
  })

  test('is extended by requests that only read', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '1h' }))
    for (let count = 0; count < 5; count++) {
      clock.advance(HOUR - 1)
      expect(await browser.visit((session) => session['user'])).toBe(7)
    }
  })

  test('is extended by requests that open it and do no more', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '1h' }))
    for (let count = 0; count < 5; count++) {
      clock.advance(HOUR - 1)
      await browser.visit(() => undefined)
    }
    expect(await browser.see()).toEqual(HERE)
  })

  test('is not extended by a request that failed', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '1h' }))
    clock.advance(HOUR - 1)
    await browser.visit((session) => session['user'], 500)
    expect(browser.headers).toEqual([['vary', 'Cookie']])
    clock.advance(1)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('whose timeout was shortened ends by the new one at once', async () => {
    const { clock, start } = prepare()
    const [idle, absolute] = [await begun(start()), await begun(start())]
    clock.advance(10 * MINUTE)
    expect(await idle.at(start({ idleTimeout: '10m' })).see()).toEqual(ENDED)
    expect(await absolute.at(start({ absoluteTimeout: '10m' })).see()).toEqual(ENDED)
    expect(await idle.at(start({ idleTimeout: 10 * MINUTE + 1 })).see()).toEqual(HERE)
  })

  test('that has ended is not brought back by a longer timeout', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '10m' }))
    clock.advance(10 * MINUTE)
    expect(await browser.at(start({ idleTimeout: '1h' })).see()).toEqual(ENDED)
  })

  test('restarts both timeouts at login', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '6h', absoluteTimeout: '8h' }))
    clock.advance(5 * HOUR)
    await browser.visit((session) => {
      Object.assign(session, HERE)
      session.regenerate()
    })
    clock.advance(6 * HOUR - 1)
    expect(await browser.see()).toEqual(HERE)
    clock.advance(2 * HOUR)
    expect(await browser.see()).toEqual(HERE)
    clock.advance(1)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('restarts the idle timeout alone when it renews its token and nothing else', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '6h', absoluteTimeout: '8h' }))
    clock.advance(5 * HOUR)
    await browser.visit((session) => session.regenerate())
    clock.advance(3 * HOUR - 1)
    expect(await browser.see()).toEqual(HERE)
    clock.advance(1)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('does not restart the absolute timeout on a change', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '6h', absoluteTimeout: '8h' }))
    clock.advance(5 * HOUR)
    await browser.visit((session) => Object.assign(session, HERE, { more: 1 }))
    clock.advance(3 * HOUR)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('lives on where the clock goes backwards, and is neither extended nor cut short', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '1h' }))
    for (const back of [1, MINUTE, DAY, 3650 * DAY]) {
      clock.advance(-back)
      expect(await browser.see()).toEqual(HERE)
      expect(browser.setCookie).toBeUndefined()
      clock.advance(back)
    }
    clock.advance(-DAY)
    await browser.visit((session) => Object.assign(session, { more: 1 }))
    clock.advance(DAY + HOUR - 1)
    expect(await browser.at(start({ idleTimeout: '1h' })).see()).toEqual({ ...HERE, more: 1 })
    clock.advance(1 + HOUR)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('that has ended is not brought back by a clock that went wrong for a while', async () => {
    const { clock, start } = prepare()
    const browser = await begun(start({ idleTimeout: '1h' }))
    clock.advance(365 * DAY)
    await browser.visit((session) => Object.assign(session, { user: 8 }))
    clock.advance(-365 * DAY)
    expect(await browser.see()).toEqual({ user: 8 })
  })
})

describe('extension on a server store', () => {
  test('costs a write once per twentieth of the idle timeout', async () => {
    const { clock, store, start } = onMemory()
    const browser = await begun(start({ idleTimeout: '100m' }))
    store.take()
    for (let minute = 1; minute <= 60; minute++) {
      clock.advance(MINUTE)
      await browser.see()
    }
    expect(store.methods.filter((method) => method === 'read')).toHaveLength(60)
    expect(store.methods.filter((method) => method === 'update')).toHaveLength(12)
    expect(store.calls).toHaveLength(72)
  })

  test('is due at a twentieth, and not a millisecond sooner', async () => {
    const { clock, store, start } = onMemory()
    const browser = await begun(start({ idleTimeout: '100m' }))
    store.take()
    clock.advance(5 * MINUTE - 1)
    await browser.see()
    expect(store.take()).toEqual(['read'])
    clock.advance(1)
    await browser.see()
    expect(store.calls.map(({ method, entry }) => [method, entry?.expiresAt])).toEqual([
      ['read', undefined],
      ['update', clock.now + 100 * MINUTE],
    ])
  })

  test('comes with a change at no cost', async () => {
    const { clock, store, start } = onMemory()
    const browser = await begun(start({ idleTimeout: '100m' }))
    store.take()
    clock.advance(5 * MINUTE)
    await browser.visit((session) => Object.assign(session, { more: 1 }))
    expect(store.take()).toEqual(['read', 'update'])
    await browser.see()
    expect(store.take()).toEqual(['read'])
  })

  test('is not written where the absolute timeout leaves nothing to gain', async () => {
    const { clock, store, start } = onMemory()
    const browser = await begun(start({ idleTimeout: '10h', absoluteTimeout: '12h' }))
    clock.advance(3 * HOUR)
    await browser.see()
    store.take()
    for (let hour = 3; hour < 12; hour++) {
      expect(await browser.see()).toEqual(HERE)
      clock.advance(HOUR)
    }
    expect(new Set(store.take())).toEqual(new Set(['read']))
    expect(await browser.see()).toEqual(ENDED)
  })

  test.each<[persistent: boolean, sent: boolean]>([
    [true, true],
    [false, false],
  ])('sends the cookie again if it carries its expiry: persistent is %s', async (persistent, sent) => {
    const { clock, start } = onMemory()
    const browser = await begun(start({ idleTimeout: '100m', cookie: { persistent } }))
    const { token } = browser
    clock.advance(5 * MINUTE - 1)
    await browser.see()
    expect(browser.setCookie).toBeUndefined()
    clock.advance(1)
    await browser.see()
    expect(browser.setCookie !== undefined).toBe(sent)
    expect(browser.token).toBe(token)
  })

  test.each<[what: string, Options, expiresIn: number]>([
    ['a day', {}, DAY],
    ['31 days', { idleTimeout: '31d', absoluteTimeout: '31d' }, 31 * DAY],
    ['ten years', { idleTimeout: '3650d', absoluteTimeout: '3650d' }, 3650 * DAY],
  ])('and every write give the store the time at which the session ends: in %s', async (_, options, expiresIn) => {
    const { clock, store, start } = onMemory()
    await begun(start(options))
    expect(store.calls.map(({ entry }) => entry?.expiresAt)).toEqual([clock.now + expiresIn])
  })
})

test('a store is given no time that a date cannot hold', async () => {
  const { store, start } = onMemory()
  await begun(start({ idleTimeout: 8.64e15, absoluteTimeout: 8.64e15 }))
  expect(store.calls.map(({ entry }) => entry?.expiresAt)).toEqual([8.64e15])
})

describe('extension on the cookie store', () => {
  test('sends the cookie again once per twentieth of the idle timeout', async () => {
    const { clock, start } = onCookie()
    const browser = await begun(start({ idleTimeout: '100m' }))
    let sent = 0
    for (let minute = 1; minute <= 60; minute++) {
      clock.advance(MINUTE)
      await browser.see()
      if (browser.setCookie !== undefined) sent++
    }
    expect(sent).toBe(12)
  })

  test('does not extend the cookies that were sent before: each ends at its own time', async () => {
    const { clock, start } = onCookie()
    const sess = start({ idleTimeout: '1h' })
    const browser = await begun(sess)
    const replayed = browser.at(sess)
    clock.advance(HOUR / 2)
    await browser.see()
    clock.advance(HOUR / 2)
    expect(await browser.see()).toEqual(HERE)
    expect(await replayed.see()).toEqual(ENDED)
    await replayed.visit((session) => Object.assign(session, { user: 8 }))
    expect(await replayed.see()).toEqual({ user: 8 })
  })
})

describe('the end of a session on a server store', () => {
  test('by logout is final', async () => {
    const { store, start } = onMemory()
    const sess = start()
    const browser = await begun(sess)
    const replayed = browser.at(sess)
    await browser.visit((session) => session.destroy())
    expect(await replayed.see()).toEqual(ENDED)
    expect(await store.drain()).toBe(0)
  })

  test('by login leaves the old token a tombstone for 60 seconds, and then nothing', async () => {
    const { clock, start } = onMemory()
    const sess = start()
    const browser = await begun(sess)
    const [early, late] = [browser.at(sess), browser.at(sess)]
    await browser.visit((session) => session.regenerate())
    const change = (other: Browser) => other.visit((session) => Object.assign(session, { user: 8 }))
    clock.advance(60 * SECOND - 1)
    expect((await failureOf(change(early))).code).toBe('CONFLICT')
    clock.advance(1)
    await change(late)
    expect(await late.see()).toEqual({ user: 8 })
    expect(await browser.see()).toEqual(HERE)
  })
})

describe('an extension that fails', () => {
  class Refusing extends CountedStore {
    error: Error | undefined
    refused = 0

    override async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
      if (this.error) {
        this.refused++
        throw this.error
      }
      return super.update(key, entry, version)
    }
  }

  const due = async () => {
    const clock = new Clock()
    const store = new Refusing()
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    const sess = sessions(store, { secret: SECRET, clock: clock.read, onError })
    const browser = await begun(sess)
    clock.advance(12 * HOUR)
    return { clock, store, errors, browser }
  }

  test.each<[string, Error]>([
    ['is down, full or read-only', new SessError('UNAVAILABLE', 'READONLY')],
    ['has become too small', new SessError('TOO_LARGE', 'too large')],
    ['is closed', new SessError('CLOSED', 'closed')],
    ['breaks the contract', new Error('broken')],
  ])('because the store %s does not fail a request that only reads', async (_, error) => {
    const { store, browser } = await due()
    store.error = error
    expect(await browser.see()).toEqual(HERE)
  })

  test.each<[string, (session: Session<AnyData>) => unknown]>([
    ['reads', (session) => session['user']],
    ['only opens it', () => undefined],
    ['writes what is there', (session) => (session['user'] = 7)],
    ['saves nothing', async (session) => session.save()],
  ])('fails no request that %s', async (_, use) => {
    const { store, browser } = await due()
    store.error = new SessError('UNAVAILABLE', 'READONLY')
    await browser.visit(use)
    expect(store.refused).toBeGreaterThan(0)
  })

  test('fails a request that also changes the session', async () => {
    const { store, browser } = await due()
    store.error = new SessError('UNAVAILABLE', 'READONLY')
    expect((await failureOf(browser.visit((session) => (session['user'] = 8)))).code).toBe('UNAVAILABLE')
  })

  test.each(SERVERS)('is a 200 by %s', async (_, serveOn) => {
    const clock = new Clock()
    const store = new Refusing()
    const send = await serveOn(store, (session) => session.update('user', () => 7), { clock: clock.read })
    const [header = ''] = (await send()).headers.getSetCookie()
    clock.advance(12 * HOUR)
    store.error = new SessError('UNAVAILABLE', 'READONLY')
    const response = await send(header.split(';')[0])
    expect([response.status, await response.text()]).toEqual([200, 'body'])
  })

  test('is tried again by the next request', async () => {
    const { clock, store, browser } = await due()
    store.error = new SessError('UNAVAILABLE', 'READONLY')
    await browser.see()
    store.error = undefined
    await browser.see()
    clock.advance(23 * HOUR)
    expect(await browser.see()).toEqual(HERE)
  })

  test('is reported once, and again only after one has succeeded', async () => {
    const { clock, store, errors, browser } = await due()
    const [first, second] = [new SessError('UNAVAILABLE', 'one'), new SessError('UNAVAILABLE', 'two')]
    store.error = first
    await browser.see()
    await browser.see()
    store.error = undefined
    await browser.see()
    clock.advance(12 * HOUR)
    store.error = second
    await browser.see()
    expect(errors).toEqual([first, second])
  })

  test('leaves the cookie of a session in a cookie as it is', async () => {
    const clock = new Clock()
    let isFull = false
    const small: Adapter = (options, context) => {
      const store = cookie(options, context)
      return store.kind !== 'client'
        ? store
        : {
            ...store,
            open: (token) => store.open(token),
            seal: (entry) => store.seal(entry),
            get maxBytes() {
              return isFull ? 1 : store.maxBytes
            },
          }
    }
    const browser = await begun(sessions(small, { secret: SECRET, clock: clock.read, onError: () => undefined }))
    clock.advance(12 * HOUR)
    isFull = true
    expect(await browser.see()).toEqual(HERE)
    expect(browser.setCookie).toBeUndefined()
  })
})
