import {
  connectRedis,
  cookieSession,
  expressSession,
  fastifySecureSession,
  fastifySession,
  honoSessions,
  ironSession,
  koaSession,
} from '@sess/migrate'
import type { FormerSessions } from '@sess/core/adapter'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const SECRET = 'hunter2 hunter2 hunter2 hunter2 hunter2'
const store = { get() {}, destroy() {} }
const client = { async get() {}, async del() {}, async pttl() {} }
const KEY = Buffer.alloc(32, 'hunter2')

/** Options of each library that are right. */
const RIGHT = {
  expressSession: { store, secret: SECRET },
  connectRedis: { client, secret: SECRET },
  cookieSession: { keys: [SECRET] },
  ironSession: { cookieName: 'iron', password: SECRET },
  fastifySession: { store, secret: SECRET },
  fastifySecureSession: { key: KEY },
  koaSession: { keys: [SECRET] },
  honoSessions: { encryptionKey: SECRET },
}

type Library = keyof typeof RIGHT

const FUNCTIONS: Readonly<Record<Library, (options: never) => FormerSessions>> = {
  expressSession,
  connectRedis,
  cookieSession,
  ironSession,
  fastifySession,
  fastifySecureSession,
  koaSession,
  honoSessions,
}

/** Without types, as an application in JavaScript calls it. */
function make(library: Library, options: unknown): FormerSessions {
  return Reflect.apply(FUNCTIONS[library], undefined, [options])
}

const LIBRARIES = Object.keys(RIGHT).filter((name): name is Library => name in RIGHT)

describe.each(LIBRARIES)('%s', (library) => {
  it('takes the options that its library needed, and no more', () => {
    expect(make(library, RIGHT[library])).toMatchObject({ keep: false })
  })

  it('names an option that it does not know', () => {
    const call = () => make(library, { ...RIGHT[library], maxAge: 5 })
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(call).toThrow(new RegExp(`^Option ${library}\\."maxAge" is not known; ${library} takes .*cookie, keep`))
  })

  it.each([
    ['keep', { keep: 'yes' }],
    ['cookie', { cookie: '/' }],
    ['cookie.path', { cookie: { path: 'shop' } }],
    ['cookie.path', { cookie: { path: '/;Domain=example.com' } }],
    ['cookie.path', { cookie: { path: '/\r\nSet-Cookie:a=b' } }],
    ['cookie.domain', { cookie: { domain: '' } }],
    ['cookie.domain', { cookie: { domain: 'example.com; Path=/' } }],
    ['cookie."maxAge"', { cookie: { maxAge: 5 } }],
  ])('refuses a wrong %s: %j', (path, options) => {
    const call = () => make(library, { ...RIGHT[library], ...options })
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(call).toThrow(`Option ${library}.${path} is `)
  })

  it.each([undefined, null, [], 'hunter2'])('refuses %j instead of its options', (options) => {
    const call = () => make(library, options)
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(call).not.toThrow(/hunter2/)
  })
})

describe('a wrong option', () => {
  const LONG = 'hunter2'.repeat(5)
  it.each<[Library, string, object]>([
    ['expressSession', 'store', { store: undefined }],
    ['expressSession', 'store', { store: { get() {} } }],
    ['expressSession', 'secret', { secret: undefined }],
    ['expressSession', 'secret', { secret: '' }],
    ['expressSession', 'secret', { secret: [] }],
    ['expressSession', 'secret', { secret: Buffer.alloc(0) }],
    ['expressSession', 'secret[1]', { secret: [SECRET, 5] }],
    ['expressSession', 'name', { name: 'a b' }],
    ['connectRedis', 'client', { client: undefined }],
    ['connectRedis', 'client', { client: { get() {}, del() {} } }],
    ['connectRedis', 'client', { client: { get() {}, pttl() {} } }],
    ['connectRedis', 'prefix', { prefix: 5 }],
    ['connectRedis', 'secret', { secret: null }],
    ['connectRedis', 'name', { name: '' }],
    ['cookieSession', 'keys', { keys: undefined }],
    ['cookieSession', 'keys', { keys: [] }],
    ['cookieSession', 'keys', { keys: SECRET }],
    ['cookieSession', 'keys[1]', { keys: [SECRET, ''] }],
    ['cookieSession', 'secret', { secret: SECRET }],
    ['cookieSession', 'secret', { keys: undefined, secret: '' }],
    ['cookieSession', 'signed', { signed: false }],
    ['cookieSession', 'name', { name: 'a;b' }],
    ['ironSession', 'cookieName', { cookieName: undefined }],
    ['ironSession', 'cookieName', { cookieName: 'a=b' }],
    ['ironSession', 'password', { password: 'hunter2 is too short' }],
    ['ironSession', 'password', { password: {} }],
    ['ironSession', 'password', { password: { first: LONG } }],
    ['ironSession', 'password', { password: [LONG] }],
    ['ironSession', 'password[2]', { password: { 1: LONG, 2: 'hunter2' } }],
    ['ironSession', 'version1', { version1: 'yes' }],
    ['koaSession', 'keys', { keys: [] }],
    ['koaSession', 'key', { key: '' }],
    ['honoSessions', 'encryptionKey', { encryptionKey: 'hunter2 is too short' }],
    ['honoSessions', 'sessionCookieName', { sessionCookieName: 'a b' }],
    ['fastifySession', 'store', { store: 'hunter2' }],
    ['fastifySession', 'secret', { secret: { sign() {}, unsign() {} } }],
    ['fastifySession', 'cookieName', { cookieName: 'ü' }],
    ['fastifySession', 'cookiePrefix', { cookiePrefix: null }],
    ['fastifySecureSession', 'key', { key: undefined }],
    ['fastifySecureSession', 'key', { key: Buffer.alloc(31) }],
    ['fastifySecureSession', 'key', { key: 'hunter2' }],
    ['fastifySecureSession', 'key', { key: [] }],
    ['fastifySecureSession', 'key[1]', { key: [KEY, Buffer.alloc(33)] }],
    ['fastifySecureSession', 'expiry', { expiry: 0 }],
    ['fastifySecureSession', 'cookieName', { cookieName: '' }],
  ])('of %s is named, and never shown: %s', (library, path, options) => {
    const call = () => make(library, { ...RIGHT[library], ...options })
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(call).toThrow(`Option ${library}.${path} is `)
    expect(call).not.toThrow(/hunter2/)
  })

  it('that asks for sessions without a signature is told why', () => {
    const call = () => make('cookieSession', { keys: [SECRET], signed: false })
    expect(call).toThrow(/anyone can write a session that is not signed/)
  })

  it('that is no key tells where a key is found', () => {
    const call = () => make('fastifySecureSession', { key: SECRET })
    expect(call).toThrow(/README of @sess\/migrate/)
  })
})

describe('a cookie', () => {
  it.each<[Library, readonly string[]]>([
    ['expressSession', ['connect.sid']],
    ['connectRedis', ['connect.sid']],
    ['cookieSession', ['session', 'session.sig']],
    ['ironSession', ['iron', 'iron.0', 'iron.1', 'iron.2', 'iron.3']],
    ['fastifySession', ['sessionId']],
    ['fastifySecureSession', ['session']],
  ])('of %s has the name that its library gives it', (library, names) => {
    const cookies = names.map((name) => ({ name, path: undefined, domain: undefined }))
    expect(make(library, RIGHT[library])).toMatchObject({ cookies })
  })

  it.each<[Library, string, string]>([
    ['expressSession', 'name', 'express-session'],
    ['connectRedis', 'name', 'connect-redis'],
    ['cookieSession', 'name', 'cookie-session'],
    ['ironSession', 'cookieName', 'iron-session'],
    ['fastifySession', 'cookieName', '@fastify/session'],
    ['fastifySecureSession', 'cookieName', '@fastify/secure-session'],
  ])('of %s has the name that the application gave it, and belongs to its library', (library, option, name) => {
    const { name: given, cookies } = make(library, { ...RIGHT[library], [option]: 'shop' })
    expect(given).toBe(name)
    expect(cookies.map((cookie) => cookie.name).filter((one) => !/^shop(?:\.sig|\.\d)?$/.test(one))).toEqual([])
  })
})

describe('a secret that the environment lacks', () => {
  const missing: Readonly<Record<string, () => FormerSessions>> = {
    expressSession: () => expressSession({ store, secret: undefined }),
    connectRedis: () => connectRedis({ client, secret: [undefined] }),
    cookieSession: () => cookieSession({ keys: [undefined] }),
    ironSession: () => ironSession({ cookieName: 'iron', password: undefined }),
    fastifySession: () => fastifySession({ store, secret: undefined }),
    koaSession: () => koaSession({ keys: [undefined] }),
    honoSessions: () => honoSessions({ encryptionKey: undefined }),
  }

  it.each(Object.entries(missing))('fails no build, and an application at its start: %s', (_, start) => {
    vi.stubEnv('npm_lifecycle_event', 'build')
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(start().keep).toBe(false)
    vi.stubEnv('npm_lifecycle_event', 'start')
    expect(start).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
