import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { type AnyData, type Session, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { SECRET } from '../support/secret.ts'
import { Handling, serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { serveSession } from '../support/visit.ts'
import { headerOf, Wire } from '../support/wire.ts'

/** Begins a response with `begin` and calls `look` while it is held; resolves with the result of `look`. */
async function whileHeld<T>(
  begin: (response: ServerResponse) => unknown,
  look: (response: ServerResponse, session: Session<AnyData>) => T | Promise<T>,
): Promise<T> {
  const store = new TroubledStore()
  store.stall()
  const { wire, handling } = await serveSession(async (session, res) => {
    session['visits'] = 1
    begin(res)
    await store.reached
    try {
      return await look(res, session)
    } finally {
      store.release()
      res.end()
    }
  }, store)
  wire.send('GET', '/')
  await wire.response()
  return handling.outcome()
}

const write = (res: ServerResponse) => res.write('early')

async function turns(count: number): Promise<string> {
  for (let index = 0; index < count; index++) await turn()
  return 'waited'
}

function codeOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return undefined
}

describe('while a response is held', () => {
  const begins: [string, (res: ServerResponse) => unknown][] = [
    ['write', write],
    ['writeHead', (res) => res.writeHead(200)],
    ['flushHeaders', (res) => res.flushHeaders()],
    ['end', (res) => res.end()],
  ]
  test.each(begins)('headersSent is true after %s', async (_name, begin) => {
    expect(await whileHeld(begin, (res) => res.headersSent)).toBe(true)
  })

  const changes: [string, (res: ServerResponse) => unknown][] = [
    ['setHeader', (res) => res.setHeader('X-Late', 'a')],
    ['setHeaders', (res) => res.setHeaders(new Map([['X-Late', 'a']]))],
    ['appendHeader', (res) => res.appendHeader('X-Late', 'a')],
    ['removeHeader', (res) => res.removeHeader('X-Late')],
    ['writeHead', (res) => res.writeHead(200)],
  ]
  test.each(changes)('%s throws ERR_HTTP_HEADERS_SENT', async (_name, change) => {
    expect(await whileHeld(write, (res) => codeOf(() => change(res)))).toBe('ERR_HTTP_HEADERS_SENT')
  })

  test('a second writeHead throws ERR_HTTP_HEADERS_SENT', async () => {
    const code = await whileHeld(
      (res) => res.writeHead(200),
      (res) => codeOf(() => res.writeHead(200)),
    )
    expect(code).toBe('ERR_HTTP_HEADERS_SENT')
  })

  test('what writeHead was given can be read', async () => {
    const seen = await whileHeld(
      (res) => res.writeHead(404, { 'X-One': 'a' }),
      (res) => [res.statusCode, res.getHeader('x-one')],
    )
    expect(seen).toEqual([404, 'a'])
  })

  test('writableEnded follows end', async () => {
    const seen = await whileHeld(write, (res) => {
      const before = res.writableEnded
      res.end()
      return [before, res.writableEnded]
    })
    expect(seen).toEqual([false, true])
  })

  test('write returns false, and writableNeedDrain says so', async () => {
    expect(await whileHeld(write, (res) => [res.write('more'), res.writableNeedDrain])).toEqual([false, true])
  })

  test('end and writeHead return the response', async () => {
    const seen = await whileHeld(
      (res) => expect(res.writeHead(200)).toBe(res),
      (res) => res.end() === res,
    )
    expect(seen).toBe(true)
  })

  test('the response looks begun to middleware that asks for _header', async () => {
    expect(await whileHeld(write, (res) => Boolean(Reflect.get(res, '_header')))).toBe(true)
  })

  const refused: [string, (res: ServerResponse) => unknown, string][] = [
    ['write(null)', (res) => res.write(null), 'ERR_STREAM_NULL_VALUES'],
    ['write of an object', (res) => res.write({}), 'ERR_INVALID_ARG_TYPE'],
    ['end of an object', (res) => res.end({}), 'ERR_INVALID_ARG_TYPE'],
  ]
  test.each(refused)('%s throws as in Node', async (_name, call, code) => {
    expect(await whileHeld(write, (res) => codeOf(() => call(res)))).toBe(code)
  })

  const late: [string, (session: Session<AnyData>) => unknown][] = [
    ['an assignment', (session) => (session['late'] = 1)],
    ['a removal', (session) => delete session['visits']],
    ['update', (session) => session.update('visits', () => 2)],
    ['take', (session) => session.take('visits')],
    ['regenerate', (session) => session.regenerate()],
    ['destroy', (session) => session.destroy()],
  ]
  test.each(late)('%s throws SEALED', async (_name, change) => {
    expect(await whileHeld(write, (_res, session) => codeOf(() => change(session)))).toBe('SEALED')
  })

  test('save rejects with SEALED', async () => {
    const failure = await whileHeld(write, async (_res, session) => failureOf(session.save()))
    expect(failure.code).toBe('SEALED')
  })

  test('the session can still be read', async () => {
    expect(await whileHeld(write, (_res, session) => session['visits'])).toBe(1)
  })
})

describe('when the store has answered', () => {
  test('the gate leaves only three own properties on the response', async () => {
    const { wire, handling } = await serveSession(async (session, res) => {
      session['visits'] = 1
      const before = Object.getOwnPropertyNames(res)
      res.write('early')
      await once(res, 'drain')
      const after = Object.getOwnPropertyNames(res)
      res.end()
      return after.filter((name) => !before.includes(name))
    })
    wire.send('GET', '/')
    await wire.response()
    // The first reports what the response itself reports: see the next test.
    expect(await handling.outcome()).toEqual(['writableNeedDrain', 'statusCode', 'statusMessage'])
  })

  test('writableEnded and writableNeedDrain report the state of the response itself', async () => {
    const { wire, handling } = await serveSession(async (session, res) => {
      session['visits'] = 1
      res.write('early')
      await once(res, 'drain')
      const seen = [res.writableEnded, res.writableNeedDrain]
      const isRoomLeft = res.write(Buffer.alloc(2 ** 24))
      seen.push(isRoomLeft, res.writableNeedDrain)
      res.end()
      return [...seen, res.writableEnded]
    })
    wire.send('GET', '/')
    wire.pause()
    expect(await handling.outcome()).toEqual([false, false, false, true, true])
  })

  test('the callbacks of held calls are called, in their order and not before', async () => {
    const store = new TroubledStore()
    store.stall()
    const { wire, handling } = await serveSession(async (session, res) => {
      const called: string[] = []
      session['visits'] = 1
      res.write('one', () => called.push('write'))
      const ended = new Promise<void>((resolve) => res.end('two', () => resolve(void called.push('end'))))
      await store.reached
      await turn()
      called.push('stored')
      store.release()
      await ended
      return called
    }, store)
    wire.send('GET', '/')
    await wire.response()
    expect(await handling.outcome()).toEqual(['stored', 'write', 'end'])
  })

  test('a writer is not woken before the client reads', async () => {
    const store = new TroubledStore()
    store.stall()
    const { wire, handling } = await serveSession(async (session, res) => {
      session['visits'] = 1
      const drained = once(res, 'drain').then(() => 'drained')
      res.write(Buffer.alloc(2 ** 24))
      await store.reached
      store.release()
      while (typeof Reflect.get(res, '_header') !== 'string') await turn()
      // More was written than the system's buffers can take.
      const first = await Promise.race([drained, turns(20)])
      wire.resume()
      const second = await drained
      res.end()
      return [first, second]
    }, store)
    wire.send('GET', '/')
    wire.pause()
    expect(await handling.outcome()).toEqual(['waited', 'drained'])
  })

  test('a write after end is an error of the response, as in Node', async () => {
    const { wire, handling } = await serveSession(async (session, res) => {
      session['visits'] = 1
      const failed = once(res, 'error')
      res.end('body')
      res.write('late')
      return failed
    })
    wire.send('GET', '/')
    expect((await wire.response()).body).toBe('body')
    expect(await handling.outcome()).toMatchObject([{ code: 'ERR_STREAM_WRITE_AFTER_END' }])
  })
})

test('closing the server does not cut off a held response', async () => {
  const store = new TroubledStore()
  store.stall()
  const sess = sessions(store, { secret: SECRET })
  const server = createServer()
  const handling = new Handling(async (req, res) => {
    const session = await sess.open(req, res)
    session['visits'] = 1
    res.end('body')
  })
  const wire = await Wire.open(await serve(handling.listener, server))
  wire.send('GET', '/')
  await store.reached
  server.close()
  await turn()
  store.release()
  expect((await wire.response()).body).toBe('body')
})

test('a held response that its application destroys is gone, and its session is stored', async () => {
  const store = new TroubledStore()
  store.stall()
  const { wire, handling, errors } = await serveSession(async (session, res) => {
    session['visits'] = 1
    res.write('early')
    await store.reached
    res.destroy()
    store.release()
    res.write('late')
    res.end()
  }, store)
  wire.send('GET', '/')
  await wire.closed()
  await handling.outcome()
  expect([wire.received, await store.drain(), errors]).toEqual(['', 1, []])
})

test('a session that is opened after another response began is read, and sets nothing', async () => {
  const sess = sessions(new TroubledStore(), { secret: SECRET })
  const handling = new Handling(async (req, res) => {
    res.write('early')
    const session = await sess.open(req, res)
    const code = codeOf(() => (session['visits'] = 1))
    res.end()
    return code
  })
  const wire = await Wire.open(await serve(handling.listener))
  wire.send('GET', '/')
  expect(headerOf(await wire.response(), 'set-cookie')).toEqual([])
  expect(await handling.outcome()).toBe('SEALED')
})
