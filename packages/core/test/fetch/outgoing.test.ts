import { createServer as createHttp2Server } from 'node:http2'
import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server'
import { type AnyData, type Session, sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Http2Wire } from '../support/http2-wire.ts'
import { SECRET } from '../support/secret.ts'
import { listen, serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'

type NodeListener = ReturnType<typeof getRequestListener>

interface Seen {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** Serves a listener until the test ends, and sends it requests. */
interface Protocol {
  readonly name: string
  readonly connect: (listener: NodeListener) => Promise<() => Promise<Seen>>
}

const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'http1',
    connect: async (listener) => {
      const port = await serve((request, response) => void listener(request, response))
      return async () => {
        const response = await fetch(`http://127.0.0.1:${port}/`)
        return { status: response.status, headers: response.headers, body: await response.text() }
      }
    },
  },
  {
    name: 'http2',
    connect: async (listener) => {
      const server = createHttp2Server((request, response) => void listener(request, response))
      const wire = new Http2Wire(`http://127.0.0.1:${await listen(server)}`)
      onTestFinished(() => void server.close())
      return async () => {
        const { headers: received, body } = await wire.response({ ':path': '/' })
        const headers = new Headers()
        for (const [name, value] of Object.entries(received)) {
          if (name.startsWith(':')) continue
          for (const one of Array.isArray(value) ? value : [value]) headers.append(name, String(one))
        }
        return { status: Number(received[':status']), headers, body }
      }
    },
  },
]

type Bindings = HttpBindings | Http2Bindings
type Handler = (session: Session<AnyData>, bindings: Bindings) => Response | Promise<Response>
type Around = (answer: () => Promise<Response>) => Promise<Response>

/** A listener of `@hono/node-server` whose handler logs in. `around` stands for code outside of `sess.fetch`. */
function listenerOf(
  handler: Handler,
  store = new TroubledStore(),
  around: Around = (answer) => answer(),
): NodeListener {
  const sess = sessions(store, { secret: SECRET, onError: () => undefined })
  const wrapped = sess.fetch(async (request, bindings: Bindings) => {
    const session = await sess.open(request)
    session['user'] = 'ada'
    return handler(session, bindings)
  })
  return getRequestListener((request, bindings) => around(() => wrapped(request, bindings)))
}

function namesOf(headers: Headers): readonly string[] {
  return headers.getSetCookie().map((cookie) => cookie.replace(/=.*/, ''))
}

describe.each(PROTOCOLS)('$name: a login that @hono/node-server serves', ({ connect }) => {
  test('sends the cookie, and leaves the Response as the handler made it', async () => {
    const response = new Response('body', { headers: { 'x-one': 'a' } })
    const { headers, body } = await (await connect(listenerOf(() => response)))()
    expect([namesOf(headers), headers.get('x-one'), body]).toEqual([['sess'], 'a', 'body'])
    expect([...response.headers.keys()]).not.toContain('set-cookie')
  })

  test.each([
    ['an object', { 'Set-Cookie': 'a=1', 'Cache-Control': 'public' }],
    ['Headers', new Headers({ 'set-cookie': 'a=1', 'cache-control': 'public' })],
    [
      'a list',
      [
        ['set-cookie', 'a=1'],
        ['cache-control', 'public'],
      ],
    ],
  ] satisfies readonly (readonly [string, ResponseInit['headers']])[])(
    "keeps the handler's own cookie, given by %s, and is private",
    async (_, init) => {
      const { headers } = await (await connect(listenerOf(() => new Response('body', { headers: init }))))()
      expect([namesOf(headers).toSorted(), headers.get('cache-control')]).toEqual([['a', 'sess'], 'private'])
    },
  )

  test('varies by cookie too, and is kept out of the caches of CDNs', async () => {
    const init = { headers: { vary: 'accept', 'cdn-cache-control': 'max-age=9' } }
    const { headers } = await (await connect(listenerOf(() => new Response('body', init))))()
    expect([headers.get('vary'), headers.get('cdn-cache-control')]).toEqual(['accept, Cookie', 'no-store'])
  })

  test('keeps the cookie that code outside of sess.fetch adds', async () => {
    const around: Around = async (answer) => {
      const response = await answer()
      response.headers.append('set-cookie', 'outside=1')
      return response
    }
    const { headers } = await (await connect(listenerOf(() => new Response('body'), undefined, around)))()
    expect(namesOf(headers).toSorted()).toEqual(['outside', 'sess'])
  })

  test('keeps the cookie that the handler set on the response of Node', async () => {
    const handler: Handler = (_, { outgoing }) => {
      outgoing.setHeader('set-cookie', 'node=1')
      return new Response('body')
    }
    const { headers } = await (await connect(listenerOf(handler)))()
    expect(namesOf(headers).toSorted()).toEqual(['node', 'sess'])
  })

  test('gives each user a cookie of their own, though the handler always returns the same Response', async () => {
    const response = new Response(null, { status: 204 })
    const request = await connect(listenerOf(() => response))
    const all = await Promise.all(Array.from({ length: 20 }, request))
    const cookies = all.map(({ headers }) => headers.getSetCookie())
    expect(cookies.every((own) => own.length === 1)).toBe(true)
    expect(new Set(cookies.flat()).size).toBe(20)
  })

  test('has a body that is streamed', async () => {
    const stream = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(new TextEncoder().encode('body'))
        controller.close()
      },
    })
    const { headers, body } = await (await connect(listenerOf(() => new Response(stream))))()
    expect([namesOf(headers), body]).toEqual([['sess'], 'body'])
  })

  test('sends no cookie if the session was not stored', async () => {
    const store = new TroubledStore()
    store.isDown = true
    const { status, headers } = await (await connect(listenerOf(() => new Response('body'), store)))()
    expect([status, namesOf(headers)]).toEqual([503, []])
  })

  test('sends the cookie of a session that was saved, though the handler throws afterwards', async () => {
    const handler: Handler = async (session) => {
      await session.save()
      throw new Error('later')
    }
    const { status, headers } = await (await connect(listenerOf(handler)))()
    expect([status, namesOf(headers)]).toEqual([500, ['sess']])
  })
})
