import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import cors from 'cors'
import express from 'express'
import { sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { stream } from '../support/answers.ts'
import { awaiting } from '../support/express-applications.ts'
import { SECRET } from '../support/secret.ts'
import { Handling, serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { expectUsable, serveSession, type SessionHandler } from '../support/visit.ts'
import { headerOf, Wire } from '../support/wire.ts'

function down(): TroubledStore {
  const store = new TroubledStore()
  store.isDown = true
  return store
}

/** Makes a request whose session cannot be stored; resolves with its outcome. */
async function failing<T>(handler: SessionHandler<T>, method = 'GET', body = '') {
  const served = await serveSession(async (session, res, req) => {
    session['visits'] = 1
    return handler(session, res, req)
  }, down())
  served.wire.send(method, '/', [], body)
  return { ...served, message: await served.wire.response() }
}

describe('the status says what failed', () => {
  test('503 where the store cannot be reached', async () => {
    expect((await failing((_session, res) => res.end())).message.status).toBe(503)
  })

  test('409 where another request changed what this one rests on', async () => {
    const sess = sessions(new TroubledStore(), { secret: SECRET, onError: () => undefined })
    const handling = new Handling(async (req, res) => {
      const session = await sess.open(req, res)
      const seen = session['visits']
      if (seen !== undefined) {
        const other = sess.exchange(req.headers.cookie, { https: false })
        const theirs = await other.open()
        theirs['visits'] = 5
        await other.commit(200)
      }
      session['visits'] = Number(seen ?? 0) + 1
      res.end()
    })
    const wire = await Wire.open(await serve(handling.listener))
    wire.send('GET', '/')
    const [cookie = ''] = headerOf(await wire.response(), 'set-cookie')
    wire.send('GET', '/', [`Cookie: ${cookie.replace(/;.*/, '')}`])
    expect(await wire.response()).toMatchObject({ status: 409, body: '409 Conflict\n' })
  })

  test('500 where the session is too large', async () => {
    const { wire } = await serveSession(
      (session, res) => {
        session['text'] = 'much too long'.repeat(9)
        res.end()
      },
      new TroubledStore({ maxBytes: 64 }),
    )
    wire.send('GET', '/')
    expect(await wire.response()).toMatchObject({ status: 500, body: '500 Internal Server Error\n' })
  })

  test('500 where a value has become one that JSON cannot carry', async () => {
    const { wire, errors } = await serveSession((session, res) => {
      session['value'] = { inner: 1 }
      Object.assign(session['value'], { inner: () => undefined })
      res.end('body')
    })
    wire.send('GET', '/')
    expect((await wire.response()).status).toBe(500)
    expect(errors).toMatchObject([{ code: 'INVALID_VALUE' }])
  })
})

/** Headers that describe the original content, its place, its caching, or what it does. */
const LOST_HEADERS = `Content-Type Content-Encoding Content-Language Content-Location Content-Disposition Content-Range
  Content-MD5 Content-Digest Cache-Control CDN-Cache-Control Example-CDN-Cache-Control Surrogate-Control Expires Pragma
  Age ETag Last-Modified Accept-Ranges Location Refresh Link Trailer Upgrade Digest Repr-Digest Signature SourceMap
  Clear-Site-Data X-Accel-Redirect X-Sendfile`.split(/\s+/)

function parted(line: string): [name: string, value: string] {
  const [name = '', value = ''] = line.split(': ')
  return [name, value]
}

describe('the response that replaces the original one', () => {
  test('has none of what describes the original content, nor its cookies or reason', async () => {
    const { message } = await failing((_session, res) => {
      res.setHeader('Set-Cookie', ['own=1', 'other=2'])
      for (const name of LOST_HEADERS) res.setHeader(name, 'x')
      res.writeHead(201, 'Splendid', { 'Transfer-Encoding': 'chunked', 'Content-Length': 4 })
      res.end('body')
    })
    expect(message.raw.replace(/^(?:Date|Connection|Keep-Alive): .*\r\n/gm, '')).toBe(
      'HTTP/1.1 503 Service Unavailable\r\n' +
        'content-type: text/plain; charset=utf-8\r\ncontent-length: 24\r\ncache-control: no-store\r\n\r\n' +
        '503 Service Unavailable\n',
    )
  })

  test('keeps every other header, as it was', async () => {
    const kept = [
      'Access-Control-Allow-Origin: https://app.example',
      'Access-Control-Allow-Credentials: true',
      'Strict-Transport-Security: max-age=31536000',
      "Content-Security-Policy: default-src 'none'",
      "Content-Security-Policy-Report-Only: default-src 'none'",
      'X-Request-Id: 7',
      'X-Many: a',
      'X-Many: b',
      'Vary: Origin',
    ]
    const { message } = await failing((_session, res) => {
      for (const line of kept) res.appendHeader(...parted(line))
      res.end('body')
    })
    const lines = message.headers.map(([name, value]) => `${name}: ${value}`)
    expect(lines.slice(0, kept.length + 3)).toEqual([
      ...kept,
      'content-type: text/plain; charset=utf-8',
      'content-length: 24',
      'cache-control: no-store',
    ])
  })

  test('lets a script of another origin read it, as cors() of Express says', async () => {
    const sess = sessions(down(), { secret: SECRET, onError: () => undefined })
    const app = express()
      .use(cors({ origin: 'https://app.example', credentials: true, exposedHeaders: 'X-Request-Id' }))
      .use(
        awaiting(async (req, res) => {
          const session = await sess.open(req, res)
          Object.assign(session, { visits: 1 })
          res.status(201).send('body')
        }),
      )
    const wire = await Wire.open(await serve(app))
    wire.send('GET', '/', ['Origin: https://app.example'])
    const message = await wire.response()
    expect(message.status).toBe(503)
    expect(message.headers.filter(([name]) => /^(?:access-control-|vary)/i.test(name))).toEqual([
      ['Access-Control-Allow-Origin', 'https://app.example'],
      ['Vary', 'Origin'],
      ['Access-Control-Allow-Credentials', 'true'],
      ['Access-Control-Expose-Headers', 'X-Request-Id'],
    ])
  })

  test('onError receives the reason, once', async () => {
    const { errors, handling } = await failing(async (_session, res) => {
      res.write('early')
      await turn()
      res.end()
    })
    await handling.outcome()
    expect(errors).toMatchObject([{ code: 'UNAVAILABLE' }])
  })

  test('headersSent is true', async () => {
    const { handling } = await failing(async (_session, res) => {
      res.write('early')
      await once(res, 'drain')
      return res.headersSent
    })
    expect(await handling.outcome()).toBe(true)
  })
})

describe('what the application does after it', () => {
  test('is swallowed: writes, heads and ends', async () => {
    const { wire, handling } = await failing(async (_session, res) => {
      res.write('early')
      await once(res, 'drain')
      res.writeHead(200, { 'X-Late': 'a' })
      res.write('late')
      res.flushHeaders()
      res.end('later')
    })
    await handling.outcome()
    await expectUsable(wire)
  })

  test('is answered by callbacks, those of held calls as well', async () => {
    const { handling } = await failing(async (_session, res) => {
      const held = new Promise<void>((resolve) => res.write('early', () => resolve()))
      const alsoHeld = new Promise<void>((resolve) => res.end(() => resolve()))
      await Promise.all([held, alsoHeld])
      await new Promise<void>((resolve) => res.write('late', () => resolve()))
      await new Promise<void>((resolve) => res.end(() => resolve()))
      return 'all called'
    })
    expect(await handling.outcome()).toBe('all called')
  })

  test('makes a writer wait and then wakes it, so that it leaves room for other work', async () => {
    const { handling } = await failing(async (_session, res) => {
      res.write('early')
      await once(res, 'drain')
      const isRoomLeft = [res.write('late'), res.write('later')]
      const woken = await once(res, 'drain')
      return [isRoomLeft, woken]
    })
    expect(await handling.outcome()).toEqual([[false, false], []])
  })

  test('does not pull on a stream that was piped', async () => {
    const source = stream(9)
    await failing((_session, res) => source.pipe(res))
    expect([source.listenerCount('data'), source.isPaused()]).toEqual([0, true])
  })

  test('destroys the streams of a pipeline', async () => {
    const source = stream(9)
    const { handling } = await failing(async (_session, res) => pipeline(source, res))
    await expect(handling.outcome()).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    expect(source.destroyed).toBe(true)
  })

  test('does not leave a request that was piped unread', async () => {
    const { wire } = await failing((_session, res, req) => req.pipe(res), 'POST', 'x'.repeat(2 ** 20))
    await expectUsable(wire)
  })
})

describe('a response of status 500 and up', () => {
  const ends: [string, (res: ServerResponse) => unknown][] = [
    ['an assigned status', (res) => Object.assign(res, { statusCode: 500 }).end('sorry')],
    ['writeHead', (res) => res.writeHead(599).end('sorry')],
  ]
  test.each(ends)('stores nothing, by %s', async (_name, end) => {
    const { wire, store } = await serveSession((session, res) => {
      session['visits'] = 1
      session.regenerate()
      end(res)
    })
    wire.send('GET', '/')
    const message = await wire.response()
    expect([message.body, headerOf(message, 'set-cookie'), store.methods]).toEqual(['sorry', [], []])
  })

  test('needs no store, even if the store is down', async () => {
    expect((await failing((_session, res) => res.writeHead(500).end('sorry'))).message.body).toBe('sorry')
  })

  /** Logs in; `request` then sends a request that ends the session and answers with status 500. */
  const logout = async (store: TroubledStore) => {
    const { wire } = await serveSession((session, res) => {
      if (session['user'] === undefined) {
        session['user'] = 1
        res.end()
      } else {
        session.destroy()
        session['notice'] = 'lost'
        res.writeHead(500).end('sorry')
      }
    }, store)
    wire.send('GET', '/')
    const [cookie = ''] = headerOf(await wire.response(), 'set-cookie')
    return { wire, request: () => wire.send('GET', '/', [`Cookie: ${cookie.replace(/;.*/, '')}`]) }
  }

  test('still destroys the session, and stores nothing of what came after', async () => {
    const store = new TroubledStore()
    const { wire, request } = await logout(store)
    request()
    const message = await wire.response()
    expect(headerOf(message, 'set-cookie')).toEqual([expect.stringMatching(/^sess=; Max-Age=0;/)])
    expect(await store.drain()).toBe(0)
  })

  test('is 503 if it cannot destroy the session', async () => {
    const store = new TroubledStore()
    const { wire, request } = await logout(store)
    store.isDown = true
    request()
    expect((await wire.response()).status).toBe(503)
  })
})

test('a handler that throws before it answers has stored nothing', async () => {
  const { store, handling, wire } = await serveSession((session) => {
    session['visits'] = 1
    throw new Error('of the application')
  })
  wire.send('GET', '/')
  await expect(handling.outcome()).rejects.toThrow('of the application')
  expect(store.methods).toEqual([])
})

test('the next request on the connection stores what it changes, once the store is back', async () => {
  const { wire, store } = await serveSession((session, res) => {
    session['visits'] = 1
    res.end()
  }, down())
  for (let round = 0; round < 3; round++) {
    store.isDown = true
    wire.send('GET', '/')
    expect((await wire.response()).status).toBe(503)
    store.isDown = false
    wire.send('GET', '/')
    expect(headerOf(await wire.response(), 'set-cookie')).toHaveLength(1)
  }
})
