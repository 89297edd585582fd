import type { ServerResponse } from 'node:http'
import compression from 'compression'
import express, { type RequestHandler } from 'express'
import { sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { awaiting } from '../support/express-applications.ts'
import { SECRET } from '../support/secret.ts'
import { serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { headerOf, Wire } from '../support/wire.ts'

/** Ways to begin a stream of events. */
const BEGINNINGS: readonly [name: string, begin: (response: ServerResponse) => void][] = [
  ['write', (res) => res.write('data: first\n\n')],
  [
    'writeHead and write',
    (res) => {
      res.writeHead(200, { 'X-One': 'a' })
      res.write('data: first\n\n')
    },
  ],
  [
    'flushHeaders and write',
    (res) => {
      res.flushHeaders()
      res.write('data: first\n\n')
    },
  ],
]

const ORDERS: readonly [order: string, order: (compress: RequestHandler, open: RequestHandler) => RequestHandler[]][] =
  [
    ['before', (compress, open) => [compress, open]],
    ['after', (compress, open) => [open, compress]],
  ]

describe.each(ORDERS)('with compression %s the session', (_order, ordered) => {
  test.each(BEGINNINGS)(
    'an event that is flushed while it is held comes once the store has answered, by %s',
    async (_name, begin) => {
      const store = new TroubledStore()
      store.stall()
      const sess = sessions(store, { secret: SECRET })
      const open = awaiting(async (req, res) => {
        const session = await sess.open(req, res)
        session['visits'] = 1
        req.next?.()
      })
      const app = express().set('env', 'test')
      app.use(...ordered(compression(), open), (_req, res) => {
        res.setHeader('Content-Type', 'text/event-stream')
        begin(res)
        // Nothing is written after it: what is not flushed never comes.
        res.flush()
      })
      const abort = new AbortController()
      onTestFinished(() => abort.abort())
      const answer = fetch(`http://127.0.0.1:${await serve(app)}/`, { signal: abort.signal })
      await store.reached
      store.release()
      const response = await answer
      expect(response.headers.get('content-encoding')).toBe('gzip')
      const first = await response.body?.getReader().read()
      expect(Buffer.from(first?.value ?? []).toString()).toBe('data: first\n\n')
    },
    5000,
  )
})

test('flush is as it was once the response has passed', async () => {
  const sess = sessions(new TroubledStore(), { secret: SECRET })
  const flush = () => 'own'
  let seen: unknown
  const wire = await Wire.open(
    await serve((req, res) => {
      Object.assign(res, { flush })
      void sess.open(req, res).then((session) => {
        session['visits'] = 1
        res.end('body', () => (seen = Reflect.get(res, 'flush')))
      })
    }),
  )
  wire.send('GET', '/')
  expect(headerOf(await wire.response(), 'set-cookie')).toHaveLength(1)
  expect(seen).toBe(flush)
})
