import cookie from '@sess/adapter-cookie'
import { type Sessions, sessions } from '@sess/core'
import { createHmac, randomBytes, randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Keyring } from '../../src/crypto/keyring.ts'
import { Browser } from '../support/browser.ts'
import { Clock, DAY } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { OTHER_SECRET, SECRET } from '../support/secret.ts'

const emitWarning = vi.spyOn(process, 'emitWarning')
beforeAll(() => void emitWarning.mockReturnValue())
afterAll(() => emitWarning.mockRestore())

interface Visited {
  readonly sess: Sessions
  readonly store: CountedStore
  readonly browser: Browser
  readonly token: string
  readonly key: string
}

/** A session on a server store whose recorded calls have been cleared. */
async function visited(): Promise<Visited> {
  const store = new CountedStore()
  const sess = sessions(store, { secret: SECRET })
  const browser = new Browser(sess)
  await browser.visit((session) => Object.assign(session, { user: 7 }))
  const [call] = store.calls.splice(0)
  return { sess, store, browser, token: browser.token, key: call?.key ?? '' }
}

/** The values that, sent as the session's cookie, open a session or cause a store call. */
async function accepted(sess: Sessions, store: CountedStore | undefined, values: Iterable<string>): Promise<string[]> {
  const found = []
  for (const value of values) {
    const session = await sess.exchange(`__Host-sess=${value}`).open()
    const calls = store?.take().length ?? 0
    if (calls > 0 || Object.keys(session).length > 0) found.push(value)
  }
  return found
}

describe('a token', () => {
  test('is 64 characters that a cookie may hold as they are', async () => {
    expect((await visited()).token).toMatch(/^[A-Za-z0-9_-]{64}$/)
  })

  test('has nothing in common with another', async () => {
    const tokens = [(await visited()).token, (await visited()).token]
    const [one = '', other = ''] = tokens.map((token) => Buffer.from(token, 'base64url').toString('hex'))
    for (let at = 0; at < one.length; at += 8) expect(one.slice(at, at + 8)).not.toBe(other.slice(at, at + 8))
  })

  test('shares no eight bytes with any other of a thousand, nor is it all zero', async () => {
    const tokens = await Promise.all(Array.from({ length: 1000 }, async () => (await visited()).token))
    const parts = tokens.flatMap((token) => {
      const random = Buffer.from(token, 'base64url').subarray(0, 32).toString('hex')
      return [0, 16, 32, 48].map((at) => random.slice(at, at + 16))
    })
    expect(new Set(parts).size).toBe(4000)
    expect(parts).not.toContain('0'.repeat(16))
  })

  test('opens its session as it is', async () => {
    const { sess, store, token } = await visited()
    expect(await accepted(sess, store, [token])).toEqual([token])
  })
})

describe('what is not quite a token opens nothing, and the store is not asked', () => {
  test('any one bit flipped', async () => {
    const { sess, store, token } = await visited()
    const values = Array.from({ length: 48 * 8 }, (_, bit) => {
      const bytes = Buffer.from(token, 'base64url')
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      return bytes.toString('base64url')
    })
    expect(await accepted(sess, store, values)).toEqual([])
  })

  test('any one character replaced', async () => {
    const { sess, store, token } = await visited()
    const values = [...token].flatMap((character, at) =>
      ['A', 'B', character.toLowerCase(), character.toUpperCase(), '+', '.', '%']
        .filter((other) => other !== character)
        .map((other) => token.slice(0, at) + other + token.slice(at + 1)),
    )
    expect(await accepted(sess, store, values)).toEqual([])
  })

  test('truncated at either end', async () => {
    const { sess, store, token } = await visited()
    const values = [...token].flatMap((_, at) => [token.slice(0, at), token.slice(at + 1)])
    expect(await accepted(sess, store, values)).toEqual([])
  })

  test('extended at either end', async () => {
    const { sess, store, token } = await visited()
    const more = ['A', '_', '=', '==', '.', ',', '%00', '\0', '\u200b', '\ufeff', '\u00a0', 'AAAA', token]
    expect(
      await accepted(
        sess,
        store,
        more.flatMap((text) => [token + text, text + token]),
      ),
    ).toEqual([])
  })

  test('another spelling', async () => {
    const { sess, store, token } = await visited()
    const bytes = Buffer.from(token, 'base64url')
    const percent = [...token].map((character) => `%${character.charCodeAt(0).toString(16)}`)
    const values = [
      bytes.toString('hex'),
      bytes.toString('base64').replace(/^[^+/]*$/, '+$&'),
      percent.join(''),
      percent[0] + token.slice(1),
      `"${token}"`,
      `'${token}'`,
      `${token.slice(0, 32)} ${token.slice(32)}`,
      [...token].map((character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)).join(''),
    ]
    expect(await accepted(sess, store, values)).toEqual([])
  })

  test("one token's random bytes with another's MAC", async () => {
    const { sess, store, token } = await visited()
    const other = new Browser(sess)
    await other.visit((session) => Object.assign(session, { user: 8 }))
    store.take()
    const parts = [token, other.token].map((text) => Buffer.from(text, 'base64url'))
    const [one = Buffer.alloc(0), two = Buffer.alloc(0)] = parts
    const crossed = Buffer.concat([one.subarray(0, 32), two.subarray(32)]).toString('base64url')
    expect(await accepted(sess, store, [crossed])).toEqual([])
  })

  test.each<[string, () => { sess: Sessions; store?: CountedStore }]>([
    ['memory', memory],
    ['cookie', () => ({ sess: sessions(cookie, { secret: SECRET }) })],
  ])(
    'a hundred thousand cookies made at random, on the %s store',
    async (_, start) => {
      const { sess, store } = start()
      const browser = new Browser(sess)
      await browser.visit((session) => Object.assign(session, { user: 7 }))
      store?.take()
      for (let sent = 0; sent < 100_000; sent += 100) {
        const values = [...randomCookies(100, browser.token)]
        expect(await accepted(sess, store, [values.join('; __Host-sess=')])).toEqual([])
      }
    },
    60_000,
  )
})

/** Values shaped like a token, of other lengths, of any characters, and `token` with one character replaced. */
function* randomCookies(count: number, token: string): Generator<string> {
  for (let index = 0; index < count; index++) {
    const shape = index % 4
    const at = randomInt(token.length)
    if (shape === 0) yield randomBytes(48).toString('base64url')
    else if (shape === 1) yield randomBytes(randomInt(250)).toString('base64url')
    else if (shape === 2) yield randomBytes(randomInt(250)).toString(randomInt(2) === 0 ? 'latin1' : 'utf16le')
    else
      yield token.slice(0, at) + otherThan(token.charAt(at), randomBytes(2).toString('base64url')) + token.slice(at + 1)
  }
}

/** The first of `characters` that is not `character`. */
function otherThan(character: string, characters: string): string {
  return [...characters, 'A', 'B'].find((other) => other !== character) ?? ''
}

function memory(): { sess: Sessions; store: CountedStore } {
  const store = new CountedStore()
  return { store, sess: sessions(store, { secret: SECRET }) }
}

describe('what a store is given', () => {
  test('as a key, is a hash that contains nothing of the token', async () => {
    const { token, key } = await visited()
    expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/)
    const bytes = Buffer.from(token, 'base64url').toString('hex')
    const hashed = Buffer.from(key, 'base64url').toString('hex')
    for (let at = 0; at + 8 <= bytes.length; at++) expect(hashed).not.toContain(bytes.slice(at, at + 8))
    for (let at = 0; at + 8 <= token.length; at++) expect(key).not.toContain(token.slice(at, at + 8))
  })

  test('opens no session, should it leak', async () => {
    const { sess, store, browser, key } = await visited()
    await browser.visit((session) => Object.assign(session, { user: 8 }))
    const [, update] = store.calls.splice(0)
    const data: unknown = JSON.parse(update?.entry?.data ?? '')
    expect(data).toEqual([expect.any(String), expect.any(Number), expect.any(Number), { user: 8 }])
    const strings = [key, String(Array.isArray(data) && data[0]), update?.entry?.data ?? '']
    const values = strings.flatMap((text) => [
      text,
      text.padEnd(64, 'A'),
      text.padStart(64, 'A'),
      text + text.slice(0, 21),
    ])
    expect(await accepted(sess, store, values)).toEqual([])
  })

  test('opens no session, should it leak together with the secret', async () => {
    const { sess, browser, token, key } = await visited()
    expect(forge(Buffer.from(token, 'base64url').subarray(0, 32))).toBe(token)
    await browser.visit((session) => Object.assign(session, { user: 8 }))
    const session = await sess.exchange(`__Host-sess=${forge(Buffer.from(key, 'base64url'))}`).open()
    expect({ ...session }).toEqual({})
  })
})

/** The token for these random bytes, as an attacker who knows the secret can make it. */
function forge(random: Uint8Array): string {
  const [key = ''] = new Keyring([SECRET]).keys('token')
  const mac = createHmac('sha256', key).update('1\0sess\0').update(random).digest().subarray(0, 16)
  return Buffer.concat([random, mac]).toString('base64url')
}

describe('a session is never adopted', () => {
  const clock = new Clock()

  test.each<[string, (visited: Visited) => Promise<string> | string]>([
    ['junk', () => 'A'.repeat(64)],
    ['a chosen token', ({ token }) => token.slice(0, -1) + otherThan(token.slice(-1), '')],
    ['a token of another secret', () => tokenOf(sessions(new CountedStore(), { secret: OTHER_SECRET }))],
    ['a token that the store does not know', () => tokenOf(sessions(new CountedStore(), { secret: SECRET }))],
    [
      'the token of a session that was ended',
      async ({ browser, token }) => {
        await browser.visit((session) => session.destroy())
        return token
      },
    ],
    [
      'the token of a session that has expired',
      ({ token }) => {
        clock.advance(31 * DAY)
        return token
      },
    ],
  ])('but is replaced by a new one with its own token: %s', async (_, tokenFor) => {
    const store = new CountedStore()
    const sess = sessions(store, { secret: SECRET, clock: clock.read })
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    const key = store.calls[0]?.key ?? ''
    const given = await tokenFor({ sess, store, browser, token: browser.token, key })
    const victim = new Browser(sess)
    victim.jar.set('__Host-sess', given)
    store.take()
    await victim.visit((session) => Object.assign(session, { user: 8 }))
    expect(victim.token).not.toBe(given)
    const created = store.calls.filter(({ method }) => method !== 'read')
    expect(created.map(({ method }) => method)).toEqual(['create'])
    expect(created[0]?.key).not.toBe(key)
  })
})

async function tokenOf(sess: Sessions): Promise<string> {
  const browser = new Browser(sess)
  await browser.visit((session) => Object.assign(session, { user: 9 }))
  return browser.token
}
