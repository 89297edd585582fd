import { sessions } from '@sess/core'
import { SECRET } from '../session.js'

/** @typedef {import('../backends.js').Place} Place */

/** Opens the session, given what each framework hands to a handler. */
const OPENERS = {
  node: (own) => (request, response) => own.open(request, response),
  express: (own) => (request, response) => own.open(request, response),
  fastify: (own) => (request, reply) => own.open(request.raw, reply.raw),
  koa: (own) => (context) => own.open(context.req, context.res),
  hono: (own) => (context) => own.open(context.req.raw),
}

/**
 * @param {string} store
 * @param {Place} place
 * @param {object} [limits] options of the store, in addition to its place
 * @returns {import('@sess/core').Sessions}
 */
export function sessionsAt(store, place, limits = {}) {
  const options = {
    cookie: {},
    memory: {},
    redis: { url: place.url },
    memcache: { servers: place.address },
    sqlite: { file: place.file('sess') },
  }[store]
  return sessions(store, { secret: SECRET, from: import.meta.url, ...options, ...limits })
}

/**
 * @param {string} store
 * @param {keyof typeof OPENERS} framework
 * @returns {import('./index.js').Start}
 */
export function sess(store, framework) {
  return ({ place, session: data }) => {
    const own = sessionsAt(store, place)
    const open = OPENERS[framework](own)
    return {
      wrap: (handler) => own.fetch(handler),
      read: async (...handed) => (await open(...handed)).visits,
      async write(...handed) {
        const session = await open(...handed)
        session.visits += 1
        return session.visits
      },
      async login(...handed) {
        const session = await open(...handed)
        Object.assign(session, data)
        return session.visits
      },
    }
  }
}
