import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { SECRET } from '../support/secret.ts'
import { Handling, serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { headerOf, type Message, Wire } from '../support/wire.ts'

const METHODS = ['writeHead', 'write', 'end', 'flushHeaders'] as const

function methodsOf(response: ServerResponse): readonly unknown[] {
  return METHODS.map((method) => response[method])
}

/** Patches every method of a response as middleware does, and records the calls. */
function patch(response: ServerResponse, calls: string[]): void {
  for (const method of METHODS) {
    const previous: unknown = response[method]
    if (typeof previous !== 'function') throw new Error(`expected a method ${method}`)
    Object.assign(response, {
      [method]: (...args: readonly unknown[]): unknown => {
        calls.push(method)
        return Reflect.apply(previous, response, args)
      },
    })
  }
}

const slice = (store: TroubledStore, name = 'sess') =>
  sessions(store, { secret: SECRET, cookie: { name }, onError: () => undefined })

/** Makes one request to this handler. */
async function request<T>(handler: (...args: Parameters<Handling<T>['listener']>) => Promise<T>) {
  const handling = new Handling(handler)
  const wire = await Wire.open(await serve(handling.listener))
  wire.send('GET', '/')
  const message = await wire.response()
  return { message, wire, outcome: await handling.outcome() }
}

/** Why the gate has let a response pass, and the value that the handler assigns to cause it. */
const uses: [string, number | undefined][] = [
  ['there was nothing to store', undefined],
  ['its session was stored', 1],
]

describe.each(uses)('when a response has passed because %s', (_name, visits) => {
  test("Node's own methods are back", async () => {
    const sess = slice(new TroubledStore())
    const { outcome } = await request(async (req, res) => {
      const before = methodsOf(res)
      const session = await sess.open(req, res)
      session['visits'] = visits
      const isPatched = methodsOf(res).every((method, index) => method !== before[index])
      await new Promise<void>((resolve) => res.end('body', () => resolve()))
      return [isPatched, methodsOf(res).every((method, index) => method === before[index])]
    })
    expect(outcome).toEqual([true, true])
  })

  test('methods that were patched before are back, and were called', async () => {
    const sess = slice(new TroubledStore())
    const { outcome } = await request(async (req, res) => {
      const calls: string[] = []
      patch(res, calls)
      const before = methodsOf(res)
      const session = await sess.open(req, res)
      session['visits'] = visits
      await new Promise<void>((resolve) => res.end('body', () => resolve()))
      return [methodsOf(res).every((method, index) => method === before[index]), calls]
    })
    expect(outcome).toEqual([true, ['end', 'writeHead']])
  })

  test('methods that were patched since stay, and work', async () => {
    const sess = slice(new TroubledStore())
    const { outcome, message } = await request(async (req, res) => {
      const session = await sess.open(req, res)
      session['visits'] = visits
      const calls: string[] = []
      patch(res, calls)
      const patched = methodsOf(res)
      await new Promise<void>((resolve) => res.write('early', () => resolve()))
      const staying = methodsOf(res).every((method, index) => method === patched[index])
      res.end('late')
      return [staying, calls.filter((call) => call !== 'writeHead')]
    })
    expect([outcome, message.body]).toEqual([[true, ['write', 'end']], 'earlylate'])
  })

  test('no listener is left', async () => {
    const sess = slice(new TroubledStore())
    const { outcome } = await request(async (req, res) => {
      const count = () => res.eventNames().map((event) => [event, res.listenerCount(event)])
      const before = count()
      const session = await sess.open(req, res)
      session['visits'] = visits
      await new Promise<void>((resolve) => res.write('early', () => resolve()))
      const after = count()
      res.end()
      return [before, after]
    })
    expect(outcome[1]).toEqual(outcome[0])
  })
})

test('a method of headers that was patched before is back when the session was stored', async () => {
  const sess = slice(new TroubledStore())
  const { outcome } = await request(async (req, res) => {
    const { setHeader } = res
    const patched = (...args: Parameters<typeof setHeader>) => Reflect.apply(setHeader, res, args)
    res.setHeader = patched
    const session = await sess.open(req, res)
    session['visits'] = 1
    await new Promise<void>((resolve) => res.end('body', () => resolve()))
    return res.setHeader === patched
  })
  expect(outcome).toBe(true)
})

test('with nothing to store, a response begins within the same call', async () => {
  const sess = slice(new TroubledStore())
  const { outcome } = await request(async (req, res) => {
    const session = await sess.open(req, res)
    void session['visits']
    const isRoomLeft = res.write('body')
    const hasBegun = String(Reflect.get(res, '_header')).startsWith('HTTP/1.1 200')
    res.end()
    return [isRoomLeft, hasBegun]
  })
  expect(outcome).toEqual([true, true])
})

test('a response whose session was not opened is not patched', async () => {
  slice(new TroubledStore())
  const { outcome } = await request(async (_req, res) => {
    const own = METHODS.filter((method) => Object.hasOwn(res, method))
    res.end()
    return own
  })
  expect(outcome).toEqual([])
})

test('a response whose session is opened twice is patched once', async () => {
  const sess = slice(new TroubledStore())
  const { outcome } = await request(async (req, res) => {
    const first = await sess.open(req, res)
    const patched = methodsOf(res)
    const second = await sess.open(req, res)
    const isSame = methodsOf(res).every((method, index) => method === patched[index])
    res.end()
    return [isSame, first === second]
  })
  expect(outcome).toEqual([true, true])
})

describe('two sessions of one response', () => {
  const names = (message: Message) => headerOf(message, 'set-cookie').map((cookie) => cookie.replace(/=.*/, ''))

  /** Opens and changes both sessions, and writes the response in three pieces. */
  const both = async (one: TroubledStore, two: TroubledStore) => {
    const [outer, inner] = [slice(one, 'one'), slice(two, 'two')]
    return request(async (req, res) => {
      const first = await inner.open(req, res)
      const second = await outer.open(req, res)
      first['visits'] = 1
      second['visits'] = 2
      res.writeHead(201, { 'Set-Cookie': 'own=1' })
      if (!res.write('one')) await once(res, 'drain')
      res.write('two')
      res.end('three')
    })
  }

  test('are both stored, and set both cookies', async () => {
    const stores = [new TroubledStore(), new TroubledStore()] as const
    const { message } = await both(...stores)
    expect([message.status, message.body, names(message)]).toEqual([201, 'onetwothree', ['own', 'one', 'two']])
    expect(stores.map(({ methods }) => methods)).toEqual([['create'], ['create']])
  })

  test('hold the response until both are stored', async () => {
    const [one, two] = [new TroubledStore(), new TroubledStore()]
    one.stall()
    two.stall()
    const [outer, inner] = [slice(one, 'one'), slice(two, 'two')]
    const { outcome } = await request(async (req, res) => {
      const opened = [await inner.open(req, res), await outer.open(req, res)]
      for (const session of opened) session['visits'] = 1
      res.end('body')
      await one.reached
      one.release()
      await two.reached
      const sent = req.socket.bytesWritten
      two.release()
      return sent
    })
    expect(outcome).toBe(0)
  })

  test.each([
    ['the first', 'no cookie', true, false, []],
    ['the second', 'the cookie of the first', false, true, ['one']],
    ['each', 'no cookie', true, true, []],
  ])('are refused with 503 where %s cannot be stored, with %s', async (_name, _cookies, isOneDown, isTwoDown, sent) => {
    const [one, two] = [new TroubledStore(), new TroubledStore()]
    one.isDown = isOneDown
    two.isDown = isTwoDown
    const { message } = await both(one, two)
    expect([message.status, message.body, names(message)]).toEqual([503, '503 Service Unavailable\n', sent])
  })

  test('a session that is opened while the other is being stored is sealed', async () => {
    const store = new TroubledStore()
    store.stall()
    const [one, two] = [slice(store, 'one'), slice(new TroubledStore(), 'two')]
    const { outcome } = await request(async (req, res) => {
      const session = await one.open(req, res)
      session['visits'] = 1
      res.write('early')
      await store.reached
      const late = await two.open(req, res)
      let refusal: unknown
      try {
        late['visits'] = 1
      } catch (error) {
        refusal = error
      }
      store.release()
      res.end()
      return refusal
    })
    expect(outcome).toMatchObject({ code: 'SEALED' })
  })
})

describe('a response whose prototype was replaced, as by Express', () => {
  test('keeps its properties, and gets the same as any other', async () => {
    const sess = slice(new TroubledStore())
    const addedTo = async (prepare: (response: ServerResponse) => void) => {
      const { outcome, message } = await request(async (req, res) => {
        prepare(res)
        const before = Reflect.ownKeys(res)
        await sess.open(req, res)
        const after = Reflect.ownKeys(res)
        res.end('body')
        return {
          isKept: before.every((key) => after.includes(key)),
          added: after.filter((key) => !before.includes(key)).map(String),
        }
      })
      expect([message.status, message.body]).toEqual([200, 'body'])
      return outcome
    }
    const { added } = await addedTo(() => undefined)
    const given = await addedTo((res) => Object.setPrototypeOf(res, Object.create(Object.getPrototypeOf(res))))
    expect({ ...given, added: given.added.toSorted() }).toEqual({ isKept: true, added: added.toSorted() })
  })
})
