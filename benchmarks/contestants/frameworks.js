import { createServer } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

/**
 * What a contestant does. It gets what its framework hands to a handler, and resolves with the number of visits.
 *
 * @typedef {(request: Request) => Response | Promise<Response>} Handler
 * @typedef {object} Use
 * @property {(...handed: unknown[]) => unknown} read
 * @property {(...handed: unknown[]) => unknown} write adds one to the visits
 * @property {(...handed: unknown[]) => unknown} login begins a session
 * @property {(app: unknown) => unknown} [install] called before the routes are added
 * @property {(handler: Handler) => Handler} [wrap] wraps the fetch handler
 */

/** The answer to a request that ignores the session. */
const VISITS = 17

/**
 * One server for each framework, with the same four routes and the same answers, written as in its framework's own
 * documentation.
 *
 * @type {Record<string, (use: Use) => import('node:http').Server | Promise<import('node:http').Server>>}
 */
export const frameworks = {
  node({ read, write, login }) {
    /** @type {Record<string, Use['read']>} */
    const routes = { '/read': read, '/write': write, '/login': login }
    return createServer((request, response) => {
      const route = routes[request.url ?? '']
      if (route === undefined) answer(response, VISITS)
      else void open(route, request, response)
    })
  },

  express({ read, write, login, install }) {
    const app = express()
    install?.(app)
    app.get('/ignore', (_request, response) => response.json({ visits: VISITS }))
    app.get('/read', on.express(read)).get('/write', on.express(write)).get('/login', on.express(login))
    return createServer(app)
  },

  async fastify({ read, write, login, install }) {
    const app = fastify()
    await install?.(app)
    app.get('/ignore', async () => ({ visits: VISITS }))
    app.get('/read', on.fastify(read)).get('/write', on.fastify(write)).get('/login', on.fastify(login))
    await app.ready()
    return app.server
  },

  koa({ read, write, login, install }) {
    const app = new Koa()
    install?.(app)
    /** @type {Record<string, Use['read']>} */
    const routes = { '/read': read, '/write': write, '/login': login }
    app.use(async (context) => {
      const route = routes[context.path]
      context.body = { visits: route === undefined ? VISITS : await route(context) }
    })
    return createServer(app.callback())
  },

  hono({ read, write, login, install, wrap = (handler) => handler }) {
    const app = new Hono()
    install?.(app)
    app.get('/ignore', (context) => context.json({ visits: VISITS }))
    app.get('/read', on.hono(read)).get('/write', on.hono(write)).get('/login', on.hono(login))
    return createAdaptorServer({ fetch: wrap(app.fetch) })
  },
}

/** A handler for each framework, which answers with what `use` resolves with. */
const on = {
  express: (/** @type {Use['read']} */ use) => async (request, response) =>
    response.json({ visits: await use(request, response) }),
  fastify: (/** @type {Use['read']} */ use) => async (request, reply) => ({ visits: await use(request, reply) }),
  hono: (/** @type {Use['read']} */ use) => async (context) => context.json({ visits: await use(context) }),
}

/** Answers without a framework. @param {import('node:http').ServerResponse} response @param {unknown} visits */
function answer(response, visits) {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ visits }))
}

/** @param {Use['read']} route @param {unknown} request @param {import('node:http').ServerResponse} response */
async function open(route, request, response) {
  answer(response, await route(request, response))
}
