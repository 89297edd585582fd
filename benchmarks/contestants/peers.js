// Libraries that others published, set up as their own documentation says, with the settings under which they do least.
import Database from 'better-sqlite3'
import fastifyCookie from '@fastify/cookie'
import secureSession from '@fastify/secure-session'
import fastifySession from '@fastify/session'
import sqliteSessionStore from 'better-sqlite3-session-store'
import connectMemcached from 'connect-memcached'
import { RedisStore } from 'connect-redis'
import expressSession from 'express-session'
import { sessionMiddleware } from 'hono-sessions'
import { Redis } from 'ioredis'
import { getIronSession } from 'iron-session'
import koaSession from 'koa-session'
import { createClient } from 'redis'
import { SECRET } from '../session.js'

const TTL_SECONDS = 24 * 60 * 60

/** For a session that is a plain object on the request. @param {(...handed: unknown[]) => { visits: number }} find @param {object} data */
function onProperty(find, data) {
  return {
    read: (...handed) => find(...handed).visits,
    write: (...handed) => (find(...handed).visits += 1),
    login: (...handed) => Object.assign(find(...handed), data).visits,
  }
}

/** For a session with methods to get and set keys. @param {(...handed: unknown[]) => Map<string, unknown>} find @param {object} data */
function onMethods(find, data) {
  return {
    read: (...handed) => find(...handed).get('visits'),
    write(...handed) {
      const session = find(...handed)
      session.set('visits', Number(session.get('visits')) + 1)
      return session.get('visits')
    },
    login(...handed) {
      const session = find(...handed)
      for (const [key, value] of Object.entries(data)) session.set(key, value)
      return data.visits
    },
  }
}

/** @param {object} store @param {object} session @returns {import('./frameworks.js').Use} */
function onExpress(store, session) {
  const middleware = expressSession({ secret: SECRET, resave: false, saveUninitialized: false, store })
  return { install: (app) => app.use(middleware), ...onProperty((request) => request.session, session) }
}

const openIron = (request, response) => getIronSession(request, response, { password: SECRET, cookieName: 'iron' })

/** @param {string} url */
const nodeRedis = async (url) => createClient({ url }).connect()

/** @type {Record<string, { store: string, framework: string, start: import('./index.js').Start }>} */
export const peers = {
  'express-session + connect-redis': {
    store: 'redis',
    framework: 'express',
    start: async ({ place, session }) =>
      onExpress(new RedisStore({ client: await nodeRedis(place.url), prefix: 'express:' }), session),
  },
  'express-session + connect-memcached': {
    store: 'memcache',
    framework: 'express',
    start: ({ place, session }) =>
      onExpress(new (connectMemcached(expressSession))({ hosts: [place.address], prefix: 'express:' }), session),
  },
  'express-session + better-sqlite3-session-store': {
    store: 'sqlite',
    framework: 'express',
    start({ place, session }) {
      const client = new Database(place.file('express'))
      client.pragma('journal_mode = WAL')
      client.pragma('synchronous = NORMAL')
      return onExpress(new (sqliteSessionStore(expressSession))({ client }), session)
    },
  },
  '@fastify/session + connect-redis': {
    store: 'redis',
    framework: 'fastify',
    async start({ place, session }) {
      const store = new RedisStore({ client: await nodeRedis(place.url), prefix: 'fastify:' })
      return {
        async install(app) {
          await app.register(fastifyCookie)
          await app.register(fastifySession, {
            secret: SECRET,
            saveUninitialized: false,
            rolling: false,
            cookie: { secure: false },
            store,
          })
        },
        ...onProperty((request) => request.session, session),
      }
    },
  },
  'koa-session + ioredis': {
    store: 'redis',
    framework: 'koa',
    start({ place, session }) {
      const client = new Redis(place.url, { keyPrefix: 'koa:' })
      const store = {
        get: async (key) => JSON.parse((await client.get(key)) ?? 'null'),
        set: (key, value) => client.set(key, JSON.stringify(value), 'EX', TTL_SECONDS),
        destroy: (key) => client.del(key),
      }
      return {
        install(app) {
          app.keys = [SECRET]
          app.use(koaSession({ store, rolling: false, renew: false }, app))
        },
        ...onProperty((context) => context.session, session),
      }
    },
  },
  'hono-sessions + ioredis': {
    store: 'redis',
    framework: 'hono',
    start({ place, session }) {
      const client = new Redis(place.url, { keyPrefix: 'hono:' })
      const put = async (id, value) => void (await client.set(id, JSON.stringify(value), 'EX', TTL_SECONDS))
      const store = {
        getSessionById: async (id) => JSON.parse((await client.get(id)) ?? 'null'),
        createSession: put,
        persistSessionData: put,
        deleteSession: async (id) => void (await client.del(id)),
      }
      const cookieOptions = { path: '/', httpOnly: true, sameSite: 'Lax' }
      const options = { store, encryptionKey: SECRET, expireAfterSeconds: TTL_SECONDS, cookieOptions }
      return {
        install: (app) => app.use('*', sessionMiddleware(options)),
        ...onMethods((context) => context.get('session'), session),
      }
    },
  },
  '@fastify/secure-session': {
    store: 'cookie',
    framework: 'fastify',
    start: ({ session }) => ({
      install: (app) =>
        app.register(secureSession, { key: Buffer.from(SECRET).subarray(0, 32), cookie: { path: '/' } }),
      ...onMethods((request) => request.session, session),
    }),
  },
  'iron-session': {
    store: 'cookie',
    framework: 'node',
    start({ session: data }) {
      return {
        read: async (request, response) => (await openIron(request, response)).visits,
        async write(request, response) {
          const session = await openIron(request, response)
          session.visits += 1
          await session.save()
          return session.visits
        },
        async login(request, response) {
          const session = await openIron(request, response)
          Object.assign(session, data)
          await session.save()
          return session.visits
        },
      }
    },
  },
}
