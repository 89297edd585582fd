import { createHash } from 'node:crypto'
import fastifyCookie from '@fastify/cookie'
import fastifySecureSessions from '@fastify/secure-session'
import fastifySessions from '@fastify/session'
import {
  cookieSession,
  expressSession,
  fastifySecureSession,
  fastifySession,
  type FormerOptions,
  honoSessions,
  ironSession,
  koaSession,
} from '@sess/migrate'
import type { FormerSessions } from '@sess/core/adapter'
import cookieSessions from 'cookie-session'
import session from 'express-session'
import { CookieStore, sessionMiddleware } from 'hono-sessions'
import { createSession } from 'koa-session'
import { getIronSession as getIronSession6 } from 'iron-session-6'
import { getIronSession as getIronSession8 } from 'iron-session-8'
import { getIronSession as getIronSession9, nodeCookies } from 'iron-session-9'
import {
  type Application,
  expressApplication,
  fastifyApplication,
  honoApplication,
  koaApplication,
  nodeApplication,
} from './application.ts'

export const SECRET = 'the secret of the former application, of the tests'
export const OTHER = 'another secret that the former application had before'
export const HOUR: number = 60 * 60 * 1000

/** An application whose sessions a former library writes, and how they are found. */
export interface Former extends Application {
  /** `secrets`: newest first. */
  former(secrets: readonly [string, ...string[]], options?: FormerOptions): FormerSessions
}

/** A library that wrote sessions, and still can. */
export interface Writer {
  readonly library: string
  /** What its cookies do to their values. */
  readonly encode: (value: string) => string
  /** Starts an application whose sessions end after an hour, if the library knows that, until the test ends. */
  start(secret: string): Promise<Former>
  /** Whether the time is over is what the library reads out of its cookie. */
  readonly isExpiry: boolean
}

const keyOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()

const IRON = { cookieName: 'iron', ttl: HOUR / 1000, cookieOptions: { secure: false } }

const iron = (version: number, start: (password: string) => Promise<Application>): Writer => ({
  library: `iron-session ${version}`,
  encode: encodeURIComponent,
  isExpiry: true,
  async start(password) {
    const application = await start(password)
    const former: Former['former'] = (secrets, options) => {
      const numbered = Object.fromEntries(secrets.toReversed().map((one, index) => [index + 1, one]))
      return ironSession({ cookieName: IRON.cookieName, password: numbered, ...options })
    }
    return { ...application, former }
  },
})

export const WRITERS: readonly Writer[] = [
  {
    library: 'express-session',
    encode: encodeURIComponent,
    isExpiry: false,
    async start(secret) {
      const store = new session.MemoryStore()
      const options = { store, secret, resave: false, saveUninitialized: false, cookie: { maxAge: HOUR } }
      const application = await expressApplication(session(options))
      return { ...application, former: (secrets, more) => expressSession({ store, secret: secrets, ...more }) }
    },
  },
  {
    library: 'cookie-session',
    encode: (value) => value,
    isExpiry: false,
    async start(secret) {
      const application = await expressApplication(cookieSessions({ keys: [secret], maxAge: HOUR }))
      return { ...application, former: (keys, more) => cookieSession({ keys, ...more }) }
    },
  },
  {
    library: 'koa-session',
    encode: (value) => value,
    isExpiry: true,
    async start(secret) {
      const application = await koaApplication((app) => {
        app.keys = [secret]
        return createSession({ maxAge: HOUR }, app)
      })
      return { ...application, former: (keys, more) => koaSession({ keys, ...more }) }
    },
  },
  {
    library: 'hono-sessions',
    encode: encodeURIComponent,
    isExpiry: true,
    async start(encryptionKey) {
      const options = { store: new CookieStore(), encryptionKey, expireAfterSeconds: HOUR / 1000 }
      const application = await honoApplication(sessionMiddleware(options))
      return { ...application, former: (keys, more) => honoSessions({ encryptionKey: keys, ...more }) }
    },
  },
  iron(6, (password) => nodeApplication((req, res) => getIronSession6(req, res, { ...IRON, password }))),
  iron(8, (password) => nodeApplication((req, res) => getIronSession8<object>(req, res, { ...IRON, password }))),
  iron(9, (password) =>
    nodeApplication((req, res) => getIronSession9<object>(nodeCookies(req, res), { ...IRON, password })),
  ),
  {
    library: '@fastify/session',
    encode: encodeURIComponent,
    isExpiry: true,
    async start(secret) {
      const store = new fastifySessions.MemoryStore()
      const application = await fastifyApplication(async (app) => {
        await app.register(fastifyCookie)
        await app.register(fastifySessions, { store, secret, cookie: { secure: false, maxAge: HOUR } })
      })
      return { ...application, former: (secrets, more) => fastifySession({ store, secret: secrets, ...more }) }
    },
  },
  {
    library: '@fastify/secure-session',
    encode: encodeURIComponent,
    isExpiry: true,
    async start(secret) {
      const application = await fastifyApplication((app) =>
        app.register(fastifySecureSessions, { key: keyOf(secret), expiry: HOUR / 1000, cookie: { path: '/' } }),
      )
      const former: Former['former'] = (secrets, more) =>
        fastifySecureSession({ key: secrets.map(keyOf), expiry: HOUR / 1000, ...more })
      return { ...application, former }
    },
  },
]
