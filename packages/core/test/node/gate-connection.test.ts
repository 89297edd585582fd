import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { stream } from '../support/answers.ts'
import { SECRET } from '../support/secret.ts'
import { type Handler, Handling, serve } from '../support/served.ts'
import { Signal } from '../support/signal.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { expectUsable, serveSession } from '../support/visit.ts'
import { headerOf, Wire } from '../support/wire.ts'

describe('requests that come together on one connection', () => {
  /** Writes the request's path to the session, and answers with it. */
  const echo = (store: TroubledStore) =>
    serveSession((session, res, req) => {
      if (req.url !== '/idle') session['path'] = req.url ?? ''
      res.end(req.url)
    }, store)

  test('are answered in their order, though the first waits for the store', async () => {
    const store = new TroubledStore()
    store.stall()
    const { wire } = await echo(store)
    wire.send('GET', '/one')
    wire.send('GET', '/idle')
    wire.send('GET', '/three')
    await store.reached
    store.release()
    const bodies = [await wire.response(), await wire.response(), await wire.response()].map(({ body }) => body)
    expect(bodies).toEqual(['/one', '/idle', '/three'])
  })

  test('each get their own cookie', async () => {
    const { wire } = await echo(new TroubledStore())
    for (const path of ['/one', '/idle', '/three']) wire.send('GET', path)
    const messages = [await wire.response(), await wire.response(), await wire.response()]
    const cookies = messages.map((message) => headerOf(message, 'set-cookie'))
    expect(cookies.map(({ length }) => length)).toEqual([1, 0, 1])
    expect(cookies[0]).not.toEqual(cookies[2])
  })

  test('fail one by one', async () => {
    const store = new TroubledStore()
    store.isDown = true
    const { wire } = await echo(store)
    for (const path of ['/one', '/idle', '/three']) wire.send('GET', path)
    const messages = [await wire.response(), await wire.response(), await wire.response()]
    expect(messages.map(({ status }) => status)).toEqual([503, 200, 503])
    await expectUsable(wire)
  })
})

describe('a client that is gone before its session is stored', () => {
  const answers: [string, (res: ServerResponse) => unknown][] = [
    ['end', (res) => res.end('body')],
    ['writes that wait for nothing', (res) => [res.write('one'), res.write('two'), res.end()]],
    ['pipe', (res) => stream(9).pipe(res)],
    ['pipeline', (res) => pipeline(stream(9), res)],
    ['writeHead and end', (res) => res.writeHead(200, { 'Content-Length': 4 }).end('body')],
    ['flushHeaders', (res) => res.flushHeaders()],
  ]

  /** `answer` answers the request, which is held; then the client disconnects, and the store answers. */
  const abandon = async (answer: (res: ServerResponse) => unknown, isDown: boolean) => {
    const store = new TroubledStore()
    store.stall()
    const failures: unknown[] = []
    const { wire, handling, errors } = await serveSession(async (session, res) => {
      session['visits'] = 1
      res.on('error', (error) => failures.push(error))
      const closed = once(res, 'close')
      const answered = Promise.resolve(answer(res)).catch(() => undefined)
      await closed
      store.isDown = isDown
      store.release()
      await answered
      // Any failure this causes has occurred by then.
      for (let turns = 0; turns < 5; turns++) await turn()
    }, store)
    wire.send('GET', '/')
    await store.reached
    wire.destroy()
    await handling.outcome()
    return { store, failures, errors }
  }

  test.each(answers)('has it stored, after %s', async (_name, answer) => {
    const { store } = await abandon(answer, false)
    expect(await store.drain()).toBe(1)
  })

  test.each(answers)('causes no error, after %s', async (_name, answer) => {
    const { failures, errors } = await abandon(answer, false)
    expect([...failures, ...errors]).toEqual([])
  })

  test.each(answers)('causes only the error of a failing store, after %s', async (_name, answer) => {
    const { failures, errors } = await abandon(answer, true)
    expect([failures, errors]).toMatchObject([[], [{ code: 'UNAVAILABLE' }]])
  })
})

test('a client that is gone before its session is loaded causes no error', async () => {
  const gone = new Signal()
  const store = new TroubledStore()
  const sess = sessions(store, { secret: SECRET })
  const handling = new Handling(async (req, res) => {
    await gone.happened
    const session = await sess.open(req, res)
    session['visits'] = 1
    res.end('body')
    await turn()
  })
  const wire = await Wire.open(
    await serve((req, res) => {
      res.on('close', gone.fire)
      handling.listener(req, res)
      wire.destroy()
    }),
  )
  wire.send('GET', '/')
  await handling.outcome()
  expect(await store.drain()).toBe(1)
})

describe('an informational response', () => {
  const kinds: [string, number, (res: ServerResponse) => unknown][] = [
    ['100 Continue', 100, (res) => res.writeContinue()],
    ['102 Processing', 102, (res) => res.writeProcessing()],
    ['103 Early Hints', 103, (res) => res.writeEarlyHints({ link: '</style.css>; rel=preload' })],
  ]

  test.each(kinds)('%s goes out before the store has answered', async (_name, status, inform) => {
    const store = new TroubledStore()
    store.stall()
    const { wire } = await serveSession((session, res) => {
      inform(res)
      session['visits'] = 1
      res.end('body')
    }, store)
    wire.send('GET', '/')
    const message = await wire.response()
    expect([message.status, headerOf(message, 'set-cookie')]).toEqual([status, []])
    store.release()
    expect(headerOf(await wire.response(), 'set-cookie')).toHaveLength(1)
  })

  test.each(kinds)('%s is followed by 503 where the store fails', async (_name, status, inform) => {
    const store = new TroubledStore()
    store.isDown = true
    const { wire } = await serveSession((session, res) => {
      session['visits'] = 1
      inform(res)
      res.end('body')
    }, store)
    wire.send('GET', '/')
    expect([(await wire.response()).status, (await wire.response()).status]).toEqual([status, 503])
    await expectUsable(wire)
  })
})

describe('a request that expects 100-continue', () => {
  const upload: Handler<void> = async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(Buffer.from(chunk))
    res.end(Buffer.concat(chunks))
  }

  const statuses: [string, boolean, number][] = [
    ['is stored', false, 200],
    ['is 503 where the store fails', true, 503],
  ]
  test.each(statuses)('is asked to go on, and then %s', async (_name, isDown, status) => {
    const store = new TroubledStore()
    store.isDown = isDown
    const { wire } = await serveSession(async (session, res, req) => {
      session['visits'] = 1
      await upload(req, res)
    }, store)
    wire.write('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
    expect((await wire.response()).status).toBe(100)
    wire.write('body')
    expect((await wire.response()).status).toBe(status)
    await expectUsable(wire)
  })

  test.each(statuses)(
    'that is answered without going on %s, and the connection is closed as Node does',
    async (_name, isDown, status) => {
      const store = new TroubledStore()
      store.isDown = isDown
      const sess = sessions(store, { secret: SECRET, onError: () => undefined })
      const server = createServer()
      server.on('checkContinue', (req, res) => {
        void sess.open(req, res).then((session) => {
          session['visits'] = 1
          res.end('refused')
        })
      })
      const wire = await Wire.open(await serve(() => undefined, server))
      wire.write('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
      const message = await wire.response()
      expect([message.status, headerOf(message, 'connection')]).toEqual([status, ['close']])
      await wire.closed()
    },
  )
})

test('a request of HTTP/1.0 that fails is answered, and its connection closed', async () => {
  const store = new TroubledStore()
  store.isDown = true
  const { wire } = await serveSession((session, res) => {
    session['visits'] = 1
    res.end('body')
  }, store)
  wire.write('GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n')
  expect((await wire.response()).body).toBe('503 Service Unavailable\n')
  await wire.closed()
})
