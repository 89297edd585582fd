import { randomBytes } from 'node:crypto'
import fastifyCookie from '@fastify/cookie'
import fastifySecureSessions from '@fastify/secure-session'
import fastifySessions from '@fastify/session'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { cookieSession, expressSession, fastifySecureSession, fastifySession, ironSession } from '@sess/migrate'
import { sign } from 'cookie-signature'
import cookieSessions from 'cookie-session'
import expressSessions from 'express-session'
import { sealData as seal6 } from 'iron-session-6'
import { getIronSession, nodeCookies, sealData } from 'iron-session-9'
import { defaults, seal } from 'iron-webcrypto'
import ironStore from 'iron-store'
import Keygrip from 'keygrip'
import { describe, expect, it } from 'vitest'
import { expressApplication, fastifyApplication, nodeApplication, write } from './support/application.ts'
import { Jar } from './support/jar.ts'
import { OTHER, SECRET } from './support/writers.ts'

const NOW = Date.now()

describe('express-session', () => {
  it('may sign with bytes', async () => {
    const store = new expressSessions.MemoryStore()
    const secret = randomBytes(16)
    // Its types know of texts alone. Its documentation has whatever createHmac takes.
    const options = { store, secret: [SECRET], resave: false, saveUninitialized: false }
    Reflect.set(options, 'secret', [secret])
    const jar = await write(await expressApplication(expressSessions(options)), { user: 'ada' })
    expect(await expressSession({ store, secret }).find(jar.valuesOf)).toBeDefined()
  })

  it('has no session without an id', async () => {
    const { find } = expressSession({ store: new expressSessions.MemoryStore(), secret: SECRET })
    expect(await find(() => [`s:${sign('', SECRET)}`])).toBeUndefined()
  })

  it('has no session whose id is signed for another library', async () => {
    const { find } = expressSession({ store: new expressSessions.MemoryStore(), secret: SECRET })
    expect(await find(() => [`j:${sign('an-id', SECRET)}`])).toBeUndefined()
  })
})

describe('cookie-session', () => {
  const signed = (value: string): Jar => {
    const signature = Keygrip([SECRET]).sign(`session=${value}`)
    return new Jar([
      ['session', value],
      ['session.sig', signature],
    ])
  }
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
  const { find } = cookieSession({ keys: [SECRET] })

  it('may have a secret instead of keys', async () => {
    const jar = await write(await expressApplication(cookieSessions({ secret: SECRET })), { user: 'ada' })
    expect(await cookieSession({ secret: SECRET }).find(jar.valuesOf)).toBeDefined()
  })

  it('may sign with another algorithm, by a Keygrip', async () => {
    const keys = Keygrip([SECRET], 'sha512')
    const options = { keys: [SECRET], name: 'shop' }
    Reflect.set(options, 'keys', keys)
    const jar = await write(await expressApplication(cookieSessions(options)), { user: 'ada' })
    expect(await cookieSession({ keys, name: 'shop' }).find(jar.valuesOf)).toBeDefined()
  })

  it('has sessions of unknown end, because it keeps no time', async () => {
    const data = await (await find(signed(encoded({ user: 'ada' })).valuesOf))?.read(NOW)
    expect(data).toEqual({ values: { user: 'ada' }, expiresAt: undefined })
  })

  it.each([[null], [5], ['ada'], [[1]], [true]])('has no session that is %j', async (value) => {
    expect(await find(signed(encoded(value)).valuesOf)).toBeUndefined()
  })

  it('has no session that is not JSON', async () => {
    expect(await find(signed('YWRh').valuesOf)).toBeUndefined()
  })

  it('has no session that is longer than a header', async () => {
    expect(await find(signed(encoded({ text: 'x'.repeat(12_000) })).valuesOf)).toBeDefined()
    expect(await find(signed(encoded({ text: 'x'.repeat(12_400) })).valuesOf)).toBeUndefined()
  })

  it('has no session without a signature', async () => {
    expect(await find(new Jar([['session', encoded({ user: 'ada' })]]).valuesOf)).toBeUndefined()
  })

  it('has no session with the signature of a cookie of another name', async () => {
    const value = encoded({ user: 'ada' })
    const jar = new Jar([
      ['session', value],
      ['session.sig', Keygrip([SECRET]).sign(`cart=${value}`)],
    ])
    expect(await find(jar.valuesOf)).toBeUndefined()
  })

  it('has a session among several cookies and signatures', async () => {
    const jar = signed(encoded({ user: 'ada' }))
    expect(await find((name) => ['e30=', ...jar.valuesOf(name), 'e30='])).toBeDefined()
  })
})

describe('iron-session', () => {
  const cookieName = 'iron'
  const { find } = ironSession({ cookieName, password: SECRET })
  const sealed = (text: string) => () => [encodeURIComponent(text)]

  it('has passwords by number, each for the seals that it made', async () => {
    const text = await sealData({ user: 'ada' }, { password: { 7: SECRET } })
    const numbered = ironSession({ cookieName, password: { 7: SECRET, 8: OTHER } })
    const swapped = ironSession({ cookieName, password: { 7: OTHER, 8: SECRET } })
    expect(await numbered.find(sealed(text))).toBeDefined()
    expect(await swapped.find(sealed(text))).toBeUndefined()
  })

  it.each(['constructor', '__proto__', 'toString'])('has no password of the number %s', async (number) => {
    const text = await sealData({ user: 'ada' }, { password: SECRET })
    expect(await find(sealed(text.replace('*1*', `*${number}*`)))).toBeUndefined()
  })

  it('has a session that ends by the time of the application, not by that of the machine', async () => {
    const then = NOW - 24 * 3_600_000
    const settings = { ...defaults, ttl: 3_600_000, localtimeOffsetMsec: then - Date.now() }
    const session = await find(sealed(`${await seal({ user: 'ada' }, { id: '1', secret: SECRET }, settings)}~2`))
    expect((await session?.read(then))?.values).toEqual({ user: 'ada' })
    expect(await session?.read(NOW)).toBeUndefined()
  })

  it('has a session of unknown end if its seal has no expiry', async () => {
    const text = await sealData({ user: 'ada' }, { password: SECRET, ttl: 0 })
    expect(await (await find(sealed(text)))?.read(NOW)).toEqual({ values: { user: 'ada' }, expiresAt: undefined })
  })

  it('has a session that ends after 68 years if iron-session 6 was told that it never ends', async () => {
    const application = await nodeApplication(async (req, res) => {
      const { getIronSession: open } = await import('iron-session-6')
      return open(req, res, { cookieName, password: SECRET, ttl: 0 })
    })
    const { valuesOf } = await write(application, { user: 'ada' })
    expect((await (await find(valuesOf))?.read(NOW))?.expiresAt).toBeGreaterThan(NOW + 68 * 365 * 24 * 3_600_000)
  })

  it.each([[5], ['ada'], [[1]], [true]])('has no session that is %j', async (value) => {
    expect(await find(sealed(await seal6(value, { password: SECRET })))).toBeUndefined()
  })

  it('cannot change a prototype by the keys of a session', async () => {
    const content: object = JSON.parse('{"__proto__":{"isAdmin":true},"user":"ada"}')
    const session = await find(sealed(await sealData(content, { password: SECRET })))
    expect(Object.keys((await session?.read(NOW))?.values ?? {})).toEqual(['user'])
  })

  async function chunked(): Promise<Jar> {
    const options = { cookieName, password: SECRET, chunk: true }
    const application = await nodeApplication((req, res) => getIronSession<object>(nodeCookies(req, res), options))
    return write(application, { user: 'ada', text: 'x'.repeat(5000) })
  }

  it('has a long session in several cookies', async () => {
    const jar = await chunked()
    expect(jar.names).toEqual(['iron.0', 'iron.1'])
    expect((await (await find(jar.valuesOf))?.read(NOW))?.values).toMatchObject({ user: 'ada' })
  })

  it('has no session in cookies that were swapped', async () => {
    const jar = await chunked()
    const swapped = jar.with('iron.0', jar.get('iron.1')).with('iron.1', jar.get('iron.0'))
    expect(await find(swapped.valuesOf)).toBeUndefined()
  })

  describe('before version 6', () => {
    async function oldSeal(): Promise<string> {
      const store = await ironStore({ password: SECRET, ttl: 3_600_000 })
      store.set('user', 'ada')
      return store.seal()
    }

    it('has sessions in a format that the application can refuse', async () => {
      const text = await oldSeal()
      const former = ironSession({ cookieName, password: SECRET, version1: false })
      expect((await (await find(sealed(text)))?.read(NOW))?.values).toEqual({ user: 'ada' })
      expect(await former.find(sealed(text))).toBeUndefined()
    })

    it('has no session that is one value of a newer session, whose version was cut off, if they are refused', async () => {
      const text = await sealData({ user: 'ada', persistent: { user: 'admin' } }, { password: SECRET })
      const former = ironSession({ cookieName, password: SECRET, version1: false })
      expect(await former.find(sealed(text.replace('~2', '')))).toBeUndefined()
    })
  })
})

describe('@fastify/session', () => {
  it('may have a prefix in its cookie, as express-session has', async () => {
    const store = new fastifySessions.MemoryStore()
    const application = await fastifyApplication(async (app) => {
      await app.register(fastifyCookie)
      const options = { cookieName: 'shop', cookiePrefix: 's:', cookie: { secure: false } }
      await app.register(fastifySessions, { store, secret: SECRET, ...options })
    })
    const jar = await write(application, { user: 'ada' })
    const options = { store, secret: SECRET, cookieName: 'shop' }
    expect(await fastifySession({ ...options, cookiePrefix: 's:' }).find(jar.valuesOf)).toBeDefined()
    expect(await fastifySession(options).find(jar.valuesOf)).toBeUndefined()
  })
})

describe('@fastify/secure-session', () => {
  const key = randomBytes(32)
  const sealed = (text: string) => {
    const nonce = randomBytes(24)
    const box = xsalsa20poly1305(key, nonce).encrypt(Buffer.from(text))
    return () => [encodeURIComponent(`${Buffer.from(box).toString('base64')};${nonce.toString('base64')}`)]
  }
  const { find } = fastifySecureSession({ key })

  it('has its time in seconds under __ts, which is no value of the session', async () => {
    const session = await find(sealed('{"user":"ada","__ts":1000}'))
    expect(await session?.read(0)).toEqual({ values: { user: 'ada' }, expiresAt: (1000 + 86_401) * 1000 })
  })

  it('has a session of unknown end if it has no time', async () => {
    const session = await find(sealed('{"user":"ada"}'))
    expect(await session?.read(NOW)).toEqual({ values: { user: 'ada' }, expiresAt: undefined })
  })

  it.each(['null', '5', '[1]', '"ada"', 'ada', ''])('has no session that is %s', async (text) => {
    expect(await find(sealed(text))).toBeUndefined()
  })

  it.each(['{"a":1}', '{"a":12}', '{"a":123}'])(
    'has no session in another spelling of its base64: %s',
    async (text) => {
      const [cookie = ''] = sealed(text)().map(decodeURIComponent)
      const last = cookie.replace(/.(?==*;)/, (character) => String.fromCodePoint((character.codePointAt(0) ?? 0) ^ 1))
      const spellings = [last, cookie.replaceAll('=', ''), cookie.replace(';', '=;'), ` ${cookie}`, `${cookie}\n`]
      const others = spellings.filter((spelling) => spelling !== cookie)
      const found = await Promise.all(others.map(async (other) => find(() => [encodeURIComponent(other)])))
      expect(found.filter((session) => session !== undefined)).toEqual([])
    },
  )

  it.each([0, 23, 25])('has no session with a nonce of %d bytes', async (length) => {
    const [cookie = ''] = sealed('{}')().map(decodeURIComponent)
    const nonce = Buffer.alloc(length).toString('base64')
    expect(await find(() => [encodeURIComponent(cookie.replace(/;.*/, `;${nonce}`))])).toBeUndefined()
  })

  it('has no session with more than one nonce', async () => {
    const [cookie = ''] = sealed('{"user":"ada"}')()
    expect(await find(() => [`${cookie}%3B`])).toBeUndefined()
  })

  it('may have its key in base64', async () => {
    expect(await fastifySecureSession({ key: key.toString('base64') }).find(sealed('{}'))).toBeDefined()
  })

  it('keeps its key if the application erases its own copy', async () => {
    const copy = Buffer.from(key)
    const former = fastifySecureSession({ key: copy })
    const cookies = sealed('{}')
    copy.fill(0)
    expect(await former.find(cookies)).toBeDefined()
  })

  it('writes what the library that opens it would open', async () => {
    const application = await fastifyApplication((app) =>
      app.register(fastifySecureSessions, { key: [randomBytes(32), key], cookieName: 'shop', cookie: { path: '/' } }),
    )
    const jar = await write(application, { user: 'ada' })
    expect(await fastifySecureSession({ key, cookieName: 'shop' }).find(jar.valuesOf)).toBeUndefined()
  })
})
