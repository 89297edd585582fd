// The targets of @sess: upper bounds on ratios of CPU time, the same for each size of session.

/** Compared with the limit of each store; a request that ignores the session is compared with bare node:http. */
export const TO_LIMIT = {
  'ignores, no cookie': {
    to: 'bare node',
    most: { cookie: 1.03, memory: 1.03, redis: 1.03, memcache: 1.03, sqlite: 1.03 },
  },
  ignores: { to: 'bare node', most: { cookie: 1.03, memory: 1.03, redis: 1.03, memcache: 1.03, sqlite: 1.03 } },
  reads: { to: 'the limit', most: { cookie: 1.1, redis: 1.12, memcache: 1.12, sqlite: 1.12 } },
  writes: { to: 'the limit', most: { cookie: 1.1, redis: 1.3, memcache: 1.35, sqlite: 1.15 } },
  login: { to: 'the limit', most: { cookie: 1.25, redis: 1.25, memcache: 1.25, sqlite: 1.25 } },
}

/** The session's own cost, without the bare framework, compared with that of a peer on the same framework. */
export const TO_PEER = {
  '@fastify/session + connect-redis': 1 / 2,
  'koa-session + ioredis': 1 / 2,
  'express-session + connect-redis': 1 / 3,
  'express-session + connect-memcached': 1 / 3,
  'express-session + better-sqlite3-session-store': 1 / 3,
  'hono-sessions + ioredis': 1 / 15,
  'iron-session': 1 / 15,
  '@fastify/secure-session': 1,
}

/**
 * Of a process that imports core and an adapter, in CPU time. The sizes are those from before the packages were bundled:
 * the bundles must not make an installation larger. What core and the adapter take more than their client is a ratio to
 * iron-session too: 12 ms on a machine that took 5 ms for that. In milliseconds it would measure the machine.
 */
export const START = { toIron: 2.5, moreThanIoredis: 2.4, cookieKilobytes: 1006, redisKilobytes: 2560 }

/** Of the option `owner`: a ratio of CPU time, store calls that a login takes more, and seconds for 10,000 sessions. */
export const OWNERS = { read: 1.02, calls: 2, list: 0.2, revoke: 0.6 }
