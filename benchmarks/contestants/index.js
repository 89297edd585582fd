import { frameworks } from './frameworks.js'
import { limits } from './limits.js'
import { peers } from './peers.js'
import { sess } from './sess.js'

/**
 * @typedef {object} Terms
 * @property {import('../backends.js').Place} place
 * @property {ReturnType<import('../session.js').sessionOf>} session what a login stores
 *
 * @typedef {(terms: Terms) => import('./frameworks.js').Use | Promise<import('./frameworks.js').Use>} Start
 *
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} store
 * @property {string} framework
 * @property {'bare' | 'limit' | 'sess' | 'peer'} kind
 * @property {Start} start
 */

/** No session: the cost of the bare framework. @type {Start} */
const bare = () => ({ read: () => 17, write: () => 17, login: () => 17 })

/** The frameworks on which each store is measured: node:http, and those that have a peer. */
const FRAMEWORKS = {
  cookie: ['node', 'fastify'],
  memory: ['node'],
  redis: Object.keys(frameworks),
  memcache: ['node', 'express'],
  sqlite: ['node', 'express'],
}

export const STORES = /** @type {(keyof typeof FRAMEWORKS)[]} */ (Object.keys(FRAMEWORKS))

/** @param {keyof typeof FRAMEWORKS} store @returns {readonly Contestant[]} */
export function contestantsOn(store) {
  const limit = { name: 'the limit', store, framework: 'node', kind: 'limit', start: limits[store] }
  const own = FRAMEWORKS[store].flatMap((framework) => [
    { name: `bare ${framework}`, store, framework, kind: 'bare', start: bare },
    { name: `@sess on ${framework}`, store, framework, kind: 'sess', start: sess(store, framework) },
  ])
  const others = Object.entries(peers)
    .filter(([, peer]) => peer.store === store)
    .map(([name, { framework, start }]) => ({ name, store, framework, kind: 'peer', start }))
  return [limit, ...own, ...others]
}

/** The server of a contestant; it does not listen yet. @param {Contestant} contestant @param {Terms} terms */
export async function serverOf({ framework, start }, terms) {
  return frameworks[framework](await start(terms))
}
