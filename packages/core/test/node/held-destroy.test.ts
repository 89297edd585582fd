import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import express from 'express'
import { type AnyData, type Session, sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { awaiting } from '../support/express-applications.ts'
import { SECRET } from '../support/secret.ts'
import { Http2Wire } from '../support/http2-wire.ts'
import { listen, serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { Wire } from '../support/wire.ts'

type Open = (...args: Parameters<RequestListener>) => Promise<unknown>

const withoutSession: Open = async () => undefined

/** Connects to a server that never closes a connection itself. */
async function connected(listener: RequestListener): Promise<Wire> {
  return Wire.open(await serve(listener, createServer({ keepAliveTimeout: 0 })))
}

/** Opens the session and changes it. */
function changing(store: TroubledStore): Open {
  const sess = sessions(store, { secret: SECRET, onError: () => undefined })
  return async (req, res) => {
    const session: Session<AnyData> = await sess.open(req, res)
    session['visits'] = 1
  }
}

/** A handler that answers 401 and then destroys its connection. */
type Destroy = (...args: Parameters<RequestListener>) => unknown

const listenerOf =
  (open: Open, destroy: Destroy): RequestListener =>
  (req, res) => {
    void open(req, res).then(() => {
      res.writeHead(401)
      res.end('sorry')
      destroy(req, res)
    })
  }

const LISTENERS: readonly [name: string, listener: (open: Open) => RequestListener][] = [
  [
    'next(error) of Express',
    (open) =>
      express()
        .set('env', 'test')
        .use(
          awaiting(async (req, res) => {
            await open(req, res)
            res.status(401).send('sorry')
            throw new Error('of the application')
          }),
        ),
  ],
  ['req.socket.destroy()', (open) => listenerOf(open, (req) => req.socket.destroy())],
  ['req.destroy()', (open) => listenerOf(open, (req) => req.destroy())],
  ['res.destroy()', (open) => listenerOf(open, (_req, res) => res.destroy())],
]

describe.each(LISTENERS)('a response that has ended, and then %s', (_name, listener) => {
  /** The response, after which the connection closes. The store is slow: it answers after the connection's end. */
  const answer = async (store?: TroubledStore, requests = 1) => {
    store?.stall()
    const wire = await connected(listener(store ? changing(store) : withoutSession))
    for (let count = 0; count < requests; count++) wire.send('POST', '/', [], 'unread')
    await store?.reached
    for (let turns = 0; turns < 5; turns++) await turn()
    store?.release()
    const { status, body } = await wire.response()
    await wire.closed()
    return { status, body }
  }

  test('arrives before the connection is closed, as without a session', async () => {
    expect(await answer(new TroubledStore())).toEqual(await answer())
  })

  test('becomes 503 where the store fails, before the connection is closed', async () => {
    const store = new TroubledStore()
    store.isDown = true
    expect(await answer(store)).toEqual({ status: 503, body: '503 Service Unavailable\n' })
  })

  test('arrives where another request waits on the connection', async () => {
    expect(await answer(new TroubledStore(), 2)).toEqual(await answer())
  })
})

test('two responses of one connection arrive, where the handler of the second one destroys it', async () => {
  const answers = async (store?: TroubledStore) => {
    const change = store ? changing(store) : withoutSession
    // Node has sent the first one by then, or the gate holds it.
    const open: Open = async (req, res) => {
      for (let turns = 0; req.url === '/second' && turns < 3; turns++) await turn()
      return change(req, res)
    }
    store?.stall()
    const listener = listenerOf(open, (req) => req.url === '/second' && req.socket.destroy())
    const wire = await connected(listener)
    for (const path of ['/first', '/second']) wire.send('GET', path)
    await store?.reached
    for (let turns = 0; turns < 9; turns++) await turn()
    store?.release()
    const bodies = [(await wire.response()).body, (await wire.response()).body]
    await wire.closed()
    return bodies
  }
  expect(await answers()).toEqual(['sorry', 'sorry'])
  expect(await answers(new TroubledStore())).toEqual(['sorry', 'sorry'])
})

test("a destroy of the connection that was replaced between two responses stays the application's own", async () => {
  const open = changing(new TroubledStore())
  const own: unknown = () => undefined
  const found: unknown[] = []
  const wire = await Wire.open(
    await serve((req, res) => {
      void open(req, res).then(() => {
        res.on('finish', () => {
          found.push(Reflect.get(req.socket, 'destroy') === own)
          Object.assign(req.socket, { destroy: own })
        })
        res.end('body')
      })
    }),
  )
  for (let count = 0; count < 2; count++) {
    wire.send('GET', '/')
    await wire.response()
  }
  expect(found).toEqual([false, true])
})

test('a connection that is destroyed with an error is closed although the store has not answered', async () => {
  const store = new TroubledStore()
  store.stall()
  const listener = listenerOf(changing(store), (req) => req.socket.destroy(new Error('of the connection')))
  const wire = await connected(listener)
  wire.send('GET', '/')
  await wire.closed()
  expect(wire.received).toBe('')
  store.release()
})

type Http2Destroy = (req: Http2ServerRequest, res: Http2ServerResponse) => unknown

const HTTP2: readonly [name: string, destroy: Http2Destroy][] = [
  ['req.socket.destroy()', (req) => req.socket.destroy()],
  ['req.destroy()', (req) => req.destroy()],
  ['res.destroy()', (_req, res) => res.destroy()],
  ['res.stream.destroy()', (_req, res) => res.stream.destroy()],
]

describe.each(HTTP2)('two http2 responses of one connection that have ended, and then %s', (_name, destroy) => {
  test('arrive, as without a session', async () => {
    const answer = async (store?: TroubledStore) => {
      const sess = store && sessions(store, { secret: SECRET, cookie: { secure: false } })
      const server = createHttp2Server((req, res) => {
        void (async () => {
          const session: Session<AnyData> | undefined = await sess?.open(req, res)
          if (session) session['visits'] = 1
          res.writeHead(401)
          res.end('sorry')
          destroy(req, res)
        })()
      })
      const port = await listen(server)
      onTestFinished(() => void server.close())
      store?.stall()
      const wire = new Http2Wire(`http://127.0.0.1:${port}`)
      const responses = [wire.response(), wire.response()]
      await store?.reached
      for (let turns = 0; turns < 5; turns++) await turn()
      store?.release()
      return (await Promise.all(responses)).map(({ headers, body }) => ({ status: headers[':status'], body }))
    }
    const sorry = { status: 401, body: 'sorry' }
    expect(await answer()).toEqual([sorry, sorry])
    expect(await answer(new TroubledStore())).toEqual([sorry, sorry])
  })
})
