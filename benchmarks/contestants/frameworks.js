import { createServer } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

/**
 * What a contestant does, with whatever its framework gives to a handler. Each resolves with the number of visits.
 *
 * @typedef {object} Use
 * @property {(...handed: any[]) => unknown} read
 * @property {(...handed: any[]) => unknown} write adds one to the visits
 * @property {(...handed: any[]) => unknown} login begins a session
 * @property {(app: any) => unknown} [install] before the routes
 * @property {(handler: any) => any} [wrap] of the fetch handler
 */

/** What a request that ignores the session is answered with. */
const VISITS = 17

/**
 * One server for each framework, with the same four routes and the same answers, each written as its framework's
 * own pages would.
 *
 * @type {Record<string, (use: Use) => import('node:http').Server | Promise<import('node:http').Server>>}
 */
export const frameworks = {
  node({ read, write, login }) {
    /** @type {Record<string, Use['read']>} */
    const routes = { '/read': read, '/write': write, '/login': login }
    /** @param {import('node:http').ServerResponse} response @param {unknown} visits */
    const answer = (response, visits) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ visits }))
    }
    /** @param {Use['read']} route @param {unknown} request @param {import('node:http').ServerResponse} response */
    const open = async (route, request, response) => answer(response, await route(request, response))
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
    app.get('/read', async (request, response) => response.json({ visits: await read(request, response) }))
    app.get('/write', async (request, response) => response.json({ visits: await write(request, response) }))
    app.get('/login', async (request, response) => response.json({ visits: await login(request, response) }))
    return createServer(app)
  },

  async fastify({ read, write, login, install }) {
    const app = fastify()
    await install?.(app)
    app.get('/ignore', async () => ({ visits: VISITS }))
    app.get('/read', async (request, reply) => ({ visits: await read(request, reply) }))
    app.get('/write', async (request, reply) => ({ visits: await write(request, reply) }))
    app.get('/login', async (request, reply) => ({ visits: await login(request, reply) }))
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
    app.get('/read', async (context) => context.json({ visits: await read(context) }))
    app.get('/write', async (context) => context.json({ visits: await write(context) }))
    app.get('/login', async (context) => context.json({ visits: await login(context) }))
    return createAdaptorServer({ fetch: wrap(app.fetch) })
  },
}
