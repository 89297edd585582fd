import { setImmediate as turn } from 'node:timers/promises'
import compression from 'compression'
import express from 'express'
import { type AnyData, type NodeResponse, type Session, type Sessions, sessions } from '@sess/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { awaiting } from '../support/express-applications.ts'
import { HTTP1_NATIVE_ANSWERS, NATIVE_ANSWERS, type NativeAnswer, type Page } from '../support/native-answers.ts'
import { type Client, HTTP1, HTTP2, type Listener, type Protocol, type Received } from '../support/protocols.ts'
import { SECRET } from '../support/secret.ts'
import { serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'

type Use = (session: Session<AnyData>) => unknown

const doNothing: Use = () => undefined
const read: Use = (session) => session['visits']
const change: Use = (session) => session.update('visits', () => 1)
const spoil: Use = (session) => {
  session['value'] = { inner: 1 }
  Object.assign(session['value'], { inner: () => undefined })
}

/** A connection to a server that gives one answer. */
interface Served {
  readonly client: Client
  /** The errors of handlers, and what `onError` received. */
  readonly failures: readonly unknown[]
  readonly errors: readonly unknown[]
}

/** Serves the answer, with a session of each slice if `use` is given, and `/again` without a session. */
async function serveAnswer(
  protocol: Protocol,
  { answer }: NativeAnswer,
  use?: Use,
  store: TroubledStore = new TroubledStore(),
  cookies: readonly string[] = ['sess'],
): Promise<Served> {
  const failures: unknown[] = []
  const errors: unknown[] = []
  const slices = cookies.map((name): Sessions =>
    sessions(store, { secret: SECRET, cookie: { name }, onError: (error) => errors.push(error) }),
  )
  const listener: Listener = (req, res) => {
    if (req.url === '/again') {
      res.end('again')
      return
    }
    const page: Page = async (then) => {
      if (!use) await turn()
      for (const sess of use ? slices : []) use?.(await sess.open(req, res))
      await then?.()
      return 'body'
    }
    // As Node does: what a handler throws must not get lost.
    void (async () => answer(res, page))().catch((error: unknown) => failures.push(error))
  }
  return { client: await protocol.connect(listener), failures, errors }
}

/** Makes this many requests at once. */
async function ask({ client }: Served, { method = 'GET' }: NativeAnswer, count = 1): Promise<readonly Received[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => client.request(method, `/${index}`)))
}

async function expectUsable({ client }: Served): Promise<void> {
  expect((await client.request('GET', '/again')).body).toBe('again')
}

const OURS = /^(?:set-cookie: sess\d?=|vary: |cache-control: private$)/i

function withoutOurs({ status, headers, body }: Received): Received {
  return { status, headers: headers.filter((line) => !OURS.test(line)), body }
}

function linesOf({ headers }: Received, name: RegExp): readonly string[] {
  return headers.filter((line) => name.test(line))
}

const PROTOCOLS: readonly (readonly [Protocol, readonly NativeAnswer[]])[] = [
  [HTTP1, [...NATIVE_ANSWERS, ...HTTP1_NATIVE_ANSWERS]],
  [HTTP2, NATIVE_ANSWERS],
]

describe.each(PROTOCOLS)('$name: a method that was looked up before open, in', (protocol, answers) => {
  describe.each(answers)('$name,', (answer) => {
    const plain = async (count = 1) => {
      const served = await serveAnswer(protocol, answer)
      const messages = await ask(served, answer, count)
      expect(served.failures).toEqual([])
      return messages
    }

    test('answers the same where the session is not used', async () => {
      const served = await serveAnswer(protocol, answer, doNothing)
      expect(await ask(served, answer)).toEqual(await plain())
      expect([served.failures, served.errors]).toEqual([[], []])
      await expectUsable(served)
    })

    test('answers the same but for Vary where the session is read', async () => {
      const served = await serveAnswer(protocol, answer, read)
      const messages = await ask(served, answer)
      expect(messages.map(withoutOurs)).toEqual((await plain()).map(withoutOurs))
      expect(messages.map((message) => linesOf(message, /^vary:.*cookie$/i).length)).toEqual([1])
      expect([served.failures, served.errors]).toEqual([[], []])
      await expectUsable(served)
    })

    test.each<[string, Use, number]>([
      ['read', read, 0],
      ['changed', change, 2],
    ])('answers the same where two slices %s their sessions', async (_, use, cookies) => {
      const served = await serveAnswer(protocol, answer, use, new TroubledStore(), ['sess1', 'sess2'])
      const messages = await ask(served, answer)
      expect(messages.map(withoutOurs)).toEqual((await plain()).map(withoutOurs))
      expect(messages.map((message) => linesOf(message, /^set-cookie: sess\d=/i).length)).toEqual([cookies])
      expect([served.failures, served.errors]).toEqual([[], []])
      await expectUsable(served)
    })

    test('waits for the store, and then answers the same with a cookie', async () => {
      const store = new TroubledStore()
      store.stall()
      const served = await serveAnswer(protocol, answer, change, store)
      let hasCome = false
      const messages = ask(served, answer).finally(() => (hasCome = true))
      await store.reached
      for (let turns = 0; turns < 12; turns++) await turn()
      expect(hasCome).toBe(false)
      store.release()
      expect((await messages).map(withoutOurs)).toEqual((await plain()).map(withoutOurs))
      expect((await messages).map((message) => linesOf(message, /^set-cookie: sess=/i).length)).toEqual([1])
      expect([served.failures, served.errors, store.methods]).toEqual([[], [], ['create']])
      await expectUsable(served)
    })

    test('answers four requests at once the same, with a cookie each', async () => {
      const served = await serveAnswer(protocol, answer, change)
      const messages = await ask(served, answer, 4)
      expect(messages.map(withoutOurs)).toEqual((await plain(4)).map(withoutOurs))
      expect(new Set(messages.flatMap((message) => linesOf(message, /^set-cookie: sess=/i))).size).toBe(4)
      expect([served.failures, served.errors]).toEqual([[], []])
      await expectUsable(served)
    })

    test.each([
      ['503 where the store fails', change, '503 Service Unavailable\n', 'UNAVAILABLE'],
      ['500 where the session cannot be stored', spoil, '500 Internal Server Error\n', 'INVALID_VALUE'],
    ])('becomes %s', async (_name, use, body, code) => {
      const store = new TroubledStore()
      store.isDown = true
      const served = await serveAnswer(protocol, answer, use, store)
      const messages = await ask(served, answer, 4)
      for (const message of messages) {
        expect(message.status.slice(0, 3)).toBe(body.slice(0, 3))
        expect(message.body).toBe(answer.method === 'HEAD' ? '' : body)
        expect(linesOf(message, /^content-length:/i)).toEqual([`content-length: ${body.length}`])
        expect(linesOf(message, /^set-cookie:/i)).toEqual([])
      }
      expect(served.errors).toMatchObject(Array.from({ length: 4 }, () => ({ code })))
      expect(served.failures).toEqual([])
      await expectUsable(served)
    })
  })
})

describe('in a version of Node whose responses work otherwise', () => {
  /** What `res.end(await page(req, res))` throws, and what `onError` receives, if `change` changed Node's response. */
  const attempt = async (protocol: Protocol, alter: (response: NodeResponse) => unknown) => {
    const errors: unknown[] = []
    const sess = sessions(new TroubledStore(), { secret: SECRET, onError: (error) => errors.push(error) })
    const page = async (...args: Parameters<Listener>) => {
      change(await sess.open(...args))
      return 'body'
    }
    const client = await protocol.connect((req, res) => {
      alter(res)
      const answer = async () => res.end(await page(req, res))
      answer().catch((error: unknown) => {
        errors.push(error)
        res.destroy()
      })
    })
    await expect(client.request('GET', '/')).rejects.toThrow(/closed/)
    return errors
  }

  const mend = { code: 'INVALID_REQUEST', message: expect.stringContaining('const body = await page(req, res)') }

  test('it is an error that names the mend, before a byte has left, on http1', async () => {
    expect(await attempt(HTTP1, (res) => Object.assign(res, { _writeRaw: undefined }))).toEqual([
      expect.objectContaining(mend),
    ])
  })

  test('it is an error that names the mend, before a byte has left, on http2', async () => {
    const symbols = Object.getOwnPropertySymbols.bind(Object)
    const spy = vi.spyOn(Object, 'getOwnPropertySymbols')
    spy.mockImplementation((object) => symbols(object).filter(({ description }) => description !== 'state'))
    onTestFinished(() => spy.mockRestore())
    expect(await attempt(HTTP2, () => undefined)).toEqual([expect.objectContaining(mend)])
  })
})

test('end of compression, looked up before open, compresses once the store has answered', async () => {
  const sess = sessions(new TroubledStore(), { secret: SECRET })
  const app = express().set('env', 'test').use(compression())
  app.use(
    awaiting(async (req, res) => {
      res.type('text')
      const page = async () => {
        change(await sess.open(req, res))
        return 'body '.repeat(999)
      }
      res.end(await page())
    }),
  )
  const response = await fetch(`http://127.0.0.1:${await serve(app)}/`)
  expect([response.headers.get('content-encoding'), response.headers.getSetCookie().length]).toEqual(['gzip', 1])
  expect(await response.text()).toBe('body '.repeat(999))
})
