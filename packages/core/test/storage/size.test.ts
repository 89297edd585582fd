import cookie from '@sess/adapter-cookie'
import { type CookieOptions, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { SECRET } from '../support/secret.ts'

const MAX_BYTES = 1000
/** A session leaves room for the tombstone of its move. */
const MAX_RECORD_BYTES = MAX_BYTES - 64

function onMemory(): { browser: Browser; store: CountedStore } {
  const store = new CountedStore({ maxBytes: MAX_BYTES })
  return { store, browser: new Browser(sessions(store, { secret: SECRET })) }
}

/** Before the answer to a `create` arrives, `meanwhile` is done. */
class InterruptedStore extends CountedStore {
  meanwhile: (() => Promise<unknown>) | undefined

  override async create(...args: Parameters<CountedStore['create']>): ReturnType<CountedStore['create']> {
    const version = await super.create(...args)
    const { meanwhile } = this
    this.meanwhile = undefined
    await meanwhile?.()
    return version
  }
}

function onCookie(options: CookieOptions = {}): Browser {
  return new Browser(sessions(cookie, { secret: SECRET, cookie: options }))
}

/** The length of the longest text of that character that fits in a new session. */
async function longestOf(browse: () => Browser, character: string): Promise<number> {
  let [fits, over] = [0, 5000]
  while (over - fits > 1) {
    const length = Math.floor((fits + over) / 2)
    const stored = browse().visit((session) => Object.assign(session, { key: character.repeat(length) }))
    if (
      await stored.then(
        () => true,
        () => false,
      )
    )
      fits = length
    else over = length
  }
  return fits
}

describe('a session on a server store', () => {
  test('stays under its token where a login no longer fits, because of what another request stored meanwhile', async () => {
    const store = new InterruptedStore({ maxBytes: MAX_BYTES })
    const sess = sessions(store, { secret: SECRET })
    const browser = new Browser(sess)
    await browser.visit((session) => (session['first'] = 1))
    const other = browser.at(sessions(store, { secret: SECRET }))
    store.meanwhile = () => other.visit((session) => (session['large'] = 'x'.repeat(500)))
    const login = browser.visit((session) => {
      session.regenerate()
      session['user'] = 'x'.repeat(500)
    })
    expect((await failureOf(login)).code).toBe('TOO_LARGE')
    expect(await browser.see()).toEqual({ first: 1, large: 'x'.repeat(500) })
  })

  test.each<[what: string, character: string, bytes: number]>([
    ['ASCII', 'x', 1],
    ['two bytes in UTF-8', 'é', 2],
    ['three bytes', '☠', 3],
    ['four bytes, a pair of surrogates', '🔑', 4],
    ['an escape in JSON', '\0', 6],
    ['a lone surrogate, which JSON escapes', '\ud800', 6],
  ])('fits to the last byte, and not by one more: %s', async (_, character, bytes) => {
    const { browser, store } = onMemory()
    await browser.visit((session) => Object.assign(session, { key: '' }))
    const room = MAX_RECORD_BYTES - Buffer.byteLength(store.calls[0]?.entry?.data ?? '')
    const text = character.repeat(Math.floor(room / bytes))
    const pad = 'x'.repeat(room % bytes)
    await browser.visit((session) => Object.assign(session, { key: text + pad }))
    expect(Buffer.byteLength(store.calls.at(-1)?.entry?.data ?? '')).toBe(MAX_RECORD_BYTES)
    expect(await browser.see()).toEqual({ key: text + pad })
    const { code } = await failureOf(browser.visit((session) => Object.assign(session, { key: `${text}${pad}x` })))
    expect(code).toBe('TOO_LARGE')
  })

  test('of the greatest size can log in: its tombstone fits too', async () => {
    const { browser } = onMemory()
    const length = await longestOf(() => onMemory().browser, 'x')
    await browser.visit((session) => Object.assign(session, { key: 'x'.repeat(length) }))
    await browser.visit((session) => session.regenerate())
    expect(await browser.see()).toEqual({ key: 'x'.repeat(length) })
  })

  test('that is too large is not stored, and what was there stays', async () => {
    const { browser, store } = onMemory()
    await browser.visit((session) => Object.assign(session, { key: 'kept' }))
    store.take()
    await failureOf(browser.visit((session) => Object.assign(session, { key: 'x'.repeat(MAX_BYTES), more: 1 })))
    expect(store.take()).toEqual(['read'])
    expect(await browser.see()).toEqual({ key: 'kept' })
  })

  test('that is too large from the start leaves no row and sends no cookie', async () => {
    const { browser, store } = onMemory()
    await failureOf(browser.visit((session) => Object.assign(session, { key: 'x'.repeat(MAX_BYTES) })))
    expect(store.take()).toEqual([])
    expect(browser.jar.size).toBe(0)
  })

  test('that is too large at login leaves the old one as it was', async () => {
    const { browser, store } = onMemory()
    await browser.visit((session) => Object.assign(session, { key: 'kept' }))
    const login = browser.visit((session) => {
      session.regenerate()
      session['user'] = 'x'.repeat(MAX_BYTES)
    })
    expect((await failureOf(login)).code).toBe('TOO_LARGE')
    expect(await browser.see()).toEqual({ key: 'kept' })
    expect(await store.drain()).toBe(1)
  })

  test('that is too large makes save() reject, and the response fail', async () => {
    const { browser } = onMemory()
    const visit = browser.visit(async (session) => {
      session['key'] = 'x'.repeat(MAX_BYTES)
      expect(await failureOf(session.save())).toMatchObject({ code: 'TOO_LARGE', status: 500 })
      delete session['key']
    })
    expect((await failureOf(visit)).code).toBe('TOO_LARGE')
    expect(await browser.see()).toEqual({})
  })
})

describe('a session in a cookie', () => {
  test.each<[CookieOptions, character: string]>([
    [{}, 'x'],
    [{}, 'é'],
    [{ name: 'x'.repeat(128) }, 'x'],
    [
      { domain: 'example.com', path: `/${'x'.repeat(500)}`, persistent: true, sameSite: 'none', partitioned: true },
      'x',
    ],
  ])('fills the line that every browser keeps, and no more: %j', async (options, character) => {
    const length = await longestOf(() => onCookie(options), character)
    const browser = onCookie(options)
    await browser.visit((session) => Object.assign(session, { key: character.repeat(length) }))
    const size = browser.setCookie?.length ?? 0
    expect(size).toBeLessThanOrEqual(4093)
    // Space is reserved for the longest Max-Age, so that enabling it ends no session; base64 encodes 3 bytes at a time.
    const reserved = options.persistent === true ? 3 : '; Max-Age=34560000'.length
    expect(size).toBeGreaterThan(4093 - reserved - 8)
    expect(await browser.see()).toEqual({ key: character.repeat(length) })
  })

  test('that is too large is not sent, and what was there stays', async () => {
    const browser = onCookie()
    await browser.visit((session) => Object.assign(session, { key: 'kept' }))
    const visit = browser.visit((session) => Object.assign(session, { key: 'x'.repeat(4000) }))
    expect((await failureOf(visit)).code).toBe('TOO_LARGE')
    expect(await browser.see()).toEqual({ key: 'kept' })
  })
})

describe.each<[string, () => Browser]>([
  ['memory', () => onMemory().browser],
  ['cookie', () => onCookie()],
])('TOO_LARGE on the %s store', (kind, browse) => {
  async function messageFor(fields: Record<string, unknown>): Promise<string> {
    return (await failureOf(browse().visit((session) => Object.assign(session, fields)))).message
  }

  test('names the three largest keys, with their sizes and without their values', async () => {
    const message = await messageFor({
      a: 'x',
      b: 'y'.repeat(500),
      c: 'é'.repeat(2000),
      d: ['z'.repeat(600)],
      e: [1, 2],
    })
    expect(message).toMatch(
      new RegExp(
        `^The session has \\d+ bytes; the ${kind} store takes \\d+\\. Its largest keys: "c" \\(4006 bytes\\), "d" \\(608 bytes\\), "b" \\(506 bytes\\)\\.$`,
      ),
    )
  })

  test('counts the name of a key too, and shortens a long name', async () => {
    const message = await messageFor({ ['k'.repeat(4000)]: 1, value: 'x'.repeat(500) })
    expect(message).toMatch(/Its largest keys: "k+…k+" \(4004 bytes\), "value" \(510 bytes\)\.$/)
    expect(message.length).toBeLessThan(400)
  })
})
