import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { Handling, serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { serveSession, type SessionHandler } from '../support/visit.ts'
import { headerOf, type Message, Wire } from '../support/wire.ts'

type Answer = (response: ServerResponse) => unknown

/** The response of a handler that changes its session and then answers. */
async function stored(answer: Answer): Promise<Message> {
  const { wire } = await serveSession((session, res) => {
    session['visits'] = 1
    answer(res)
  })
  wire.send('GET', '/')
  return wire.response()
}

/** The response of a handler that reads its session and then answers. */
async function readOnly(answer: Answer): Promise<Message> {
  const { wire } = await serveSession((session, res) => {
    void session['visits']
    answer(res)
  })
  wire.send('GET', '/')
  return wire.response()
}

/** The response to a visitor whose session is there, of a handler that reads it and then answers. */
async function readAgain(answer: Answer): Promise<Message> {
  const { wire } = await serveSession((session, res) => {
    if (session['visits'] === undefined) {
      session['visits'] = 1
      res.end()
    } else answer(res)
  })
  wire.send('GET', '/')
  const [cookie = ''] = headerOf(await wire.response(), 'set-cookie')
  wire.send('GET', '/', [`Cookie: ${cookie.replace(/;.*/, '')}`])
  return wire.response()
}

/** Every way to give a response this header. */
const ways = (name: string, value: string): readonly [string, Answer][] => [
  ['setHeader', (res) => res.setHeader(name, value).end()],
  ['writeHead with an object', (res) => res.writeHead(200, { [name]: value }).end()],
  ['writeHead with a flat array', (res) => res.writeHead(200, [name, value]).end()],
  ['writeHead with a reason and an object', (res) => res.writeHead(200, 'Fine', { [name]: value }).end()],
  // Node's types lack this form.
  ['writeHead with a nested array', (res) => Reflect.apply(res.writeHead, res, [200, [[name, value]]]).end()],
]

function withoutValue(cookies: readonly string[]): readonly string[] {
  return cookies.map((cookie) => cookie.replace(/=.*/, ''))
}

describe.each(ways('Set-Cookie', 'own=1'))("the application's own cookie, by %s,", (_name, answer) => {
  test('is sent in addition to the one of the session', async () => {
    expect(withoutValue(headerOf(await stored(answer), 'set-cookie'))).toEqual(['own', 'sess'])
  })
})

test('several cookies of its own, in several lines of one array, are all sent', async () => {
  const message = await stored((res) =>
    res.writeHead(200, ['Set-Cookie', 'a=1', 'X-One', 'b', 'set-cookie', 'c=2']).end(),
  )
  expect(withoutValue(headerOf(message, 'set-cookie'))).toEqual(['a', 'c', 'sess'])
})

test('several cookies of its own, as an array of values in a flat array, are all sent', async () => {
  const message = await stored((res) => res.writeHead(200, ['Set-Cookie', ['a=1', 'c=2']]).end())
  expect(withoutValue(headerOf(message, 'set-cookie'))).toEqual(['a', 'c', 'sess'])
})

test('a header that comes several times in an array keeps every value', async () => {
  const message = await stored((res) => res.writeHead(200, ['X-One', 'a', 'x-one', 'b']).end())
  expect(headerOf(message, 'x-one')).toEqual(['a', 'b'])
})

describe.each(ways('Vary', 'Accept'))("the application's own Vary, by %s,", (_name, answer) => {
  test('is kept, and Cookie is added, where the session was written', async () => {
    expect(headerOf(await stored(answer), 'vary')).toEqual(['Accept, Cookie'])
  })

  test('is kept, and Cookie is added, where the session was read', async () => {
    expect(headerOf(await readOnly(answer), 'vary')).toEqual(['Accept, Cookie'])
  })
})

test.each([
  ['*', '*'],
  ['cookie', 'cookie'],
  ['Accept,COOKIE', 'Accept, COOKIE'],
  ['Cookie2', 'Cookie2, Cookie'],
  ['', 'Cookie'],
])('Vary %j becomes %j', async (own, expected) => {
  expect(headerOf(await readOnly((res) => res.setHeader('Vary', own).end()), 'vary')).toEqual([expected])
})

test('Vary in several lines becomes one', async () => {
  const message = await readOnly((res) => res.setHeader('Vary', ['Accept', 'Origin']).end())
  expect(headerOf(message, 'vary')).toEqual(['Accept, Origin, Cookie'])
})

describe.each(ways('Cache-Control', 'public, max-age=60'))(
  "the application's own Cache-Control, by %s,",
  (_name, answer) => {
    test('loses public and gains private where a cookie is set', async () => {
      expect(headerOf(await stored(answer), 'cache-control')).toEqual(['private, max-age=60'])
    })

    test('loses public and gains private where a session that there was has been read', async () => {
      expect(headerOf(await readAgain(answer), 'cache-control')).toEqual(['private, max-age=60'])
    })

    test('stays for a visitor without a session', async () => {
      expect(headerOf(await readOnly(answer), 'cache-control')).toEqual(['public, max-age=60'])
    })
  },
)

test.each([
  ['no-store', 'private, no-store'],
  ['private', 'private'],
  ['PUBLIC,S-MaxAge=9,max-age=1', 'private, max-age=1'],
  ['s-maxage = 9', 'private'],
  ['no-cache="set-cookie, public", public', 'private, no-cache="set-cookie, public"'],
  ['max-age=1, x="a, public', 'private, max-age=1, x=, a'],
  ['public-ish, nonpublic', 'private, public-ish, nonpublic'],
  [' , ,', 'private'],
])('with a cookie, Cache-Control %j becomes %j', async (own, expected) => {
  expect(headerOf(await stored((res) => res.setHeader('Cache-Control', own).end()), 'cache-control')).toEqual([
    expected,
  ])
})

test('Cache-Control in several lines becomes one', async () => {
  const message = await stored((res) => res.setHeader('Cache-Control', ['public', 'max-age=1']).end())
  expect(headerOf(message, 'cache-control')).toEqual(['private, max-age=1'])
})

/** Headers that a CDN heeds before Cache-Control, and what keeps it from storing the response (RFC 9213). */
const CDN_HEADERS = [
  ['CDN-Cache-Control', 'max-age=60', 'no-store'],
  ['Example-CDN-Cache-Control', 'public, s-maxage=60', 'no-store'],
  ['Surrogate-Control', 'max-age=60', 'no-store'],
  ['Edge-Control', 'max-age=60', 'no-store'],
  ['X-Accel-Expires', '60', '0'],
] as const

describe.each(CDN_HEADERS)("the application's own %s: %s", (name, own, sent) => {
  test.each(ways(name, own))(`becomes ${sent} where a cookie is set, by %s`, async (_way, answer) => {
    expect(headerOf(await stored(answer), name.toLowerCase())).toEqual([sent])
  })

  test.each(ways(name, own))(
    `becomes ${sent} where a session that there was has been read, by %s`,
    async (_way, answer) => {
      expect(headerOf(await readAgain(answer), name.toLowerCase())).toEqual([sent])
    },
  )

  test.each(ways(name, own))('stays for a visitor without a session, by %s', async (_way, answer) => {
    expect(headerOf(await readOnly(answer), name.toLowerCase())).toEqual([own])
  })
})

test('a response to a visitor whose session was read says of caches only what the handler said: nothing', async () => {
  const { headers } = await readAgain((res) => res.end())
  expect(headers.filter(([name]) => /cache|cdn|surrogate/i.test(name))).toEqual([])
})

test('no header for a CDN is added where there was none', async () => {
  const { headers } = await stored((res) => res.setHeader('Surrogate-Key', 'a').end())
  expect(headers.filter(([name]) => /cdn|surrogate/i.test(name))).toEqual([['Surrogate-Key', 'a']])
})

/** The code of the error that a call throws. */
function codeOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  throw new Error('expected an error')
}

const untyped = (res: ServerResponse, method: 'writeHead' | 'write' | 'end', ...args: readonly unknown[]): unknown =>
  Reflect.apply(res[method], res, args)

/** Calls that Node refuses. */
const REFUSED: readonly [string, Answer][] = [
  ['writeHead of status 99', (res) => res.writeHead(99)],
  ['writeHead of status 1000', (res) => res.writeHead(1000)],
  ['writeHead of no status', (res) => untyped(res, 'writeHead')],
  ['writeHead of a header without a value', (res) => res.writeHead(200, { 'X-One': undefined })],
  ['writeHead of a value with a line end', (res) => res.writeHead(200, { 'X-One': 'a\nb' })],
  ['writeHead of a name with a blank', (res) => res.writeHead(200, { 'X One': 'a' })],
  ['writeHead of half a pair', (res) => res.writeHead(200, ['X-One'])],
  ['writeHead of a reason with a line end', (res) => res.writeHead(200, 'a\nb')],
  ['write(null)', (res) => res.write(null)],
  ['write()', (res) => untyped(res, 'write')],
  ['write of a number', (res) => res.write(1)],
  ['end of an object', (res) => res.end({})],
  ['end with an assigned status that is none', (res) => Object.assign(res, { statusCode: 99 }).end()],
]

describe.each(REFUSED)('%s', (_name, call) => {
  const refusal = async (prepare: SessionHandler<unknown>) => {
    const { wire, handling } = await serveSession(async (session, res, req) => {
      await prepare(session, res, req)
      const code = codeOf(() => call(res))
      res.destroy()
      return code
    })
    wire.send('GET', '/')
    await wire.closed()
    return handling.outcome()
  }

  /** The outcome on a Node response without the gate. */
  const expected = async () => {
    const handling = new Handling((_req, res) => {
      const code = codeOf(() => call(res))
      res.destroy()
      return code
    })
    const wire = await Wire.open(await serve(handling.listener))
    wire.send('GET', '/')
    await wire.closed()
    return handling.outcome()
  }

  test('throws to its caller as Node does, where there is something to store', async () => {
    expect(await refusal((session) => (session['visits'] = 1))).toBe(await expected())
  })

  test('throws to its caller as Node does, where there is nothing to store', async () => {
    expect(await refusal(() => undefined)).toBe(await expected())
  })

  test('leaves the response and the session open', async () => {
    const { wire, store } = await serveSession((session, res) => {
      codeOf(() => call(res))
      session['visits'] = 1
      res.writeHead(400, 'Sorry', { 'Content-Length': 5 }).end('sorry')
    })
    wire.send('GET', '/')
    expect((await wire.response()).status).toBe(400)
    expect(store.methods).toEqual(['create'])
  })
})

test.each(['404', 404.9])('a status %j is read as Node reads it', async (status) => {
  const { wire, store } = await serveSession((session, res) => {
    session['visits'] = 1
    untyped(res, 'writeHead', status)
    res.end()
  })
  wire.send('GET', '/')
  expect((await wire.response()).status).toBe(404)
  expect(store.methods).toEqual(['create'])
})

test('a status assigned as a string is read as Node reads it', async () => {
  const { wire, store } = await serveSession((session, res) => {
    session['visits'] = 1
    Object.assign(res, { statusCode: '404' }).end()
  })
  wire.send('GET', '/')
  expect((await wire.response()).status).toBe(404)
  expect(store.methods).toEqual(['create'])
})

test.each(['', 0, false, undefined])('end(%j) is an end without a body, as in Node', async (chunk) => {
  expect((await stored((res) => untyped(res, 'end', chunk))).body).toBe('')
})

test('a held call that Node refuses closes the connection, and onError receives the error', async () => {
  const store = new TroubledStore()
  const { wire, errors } = await serveSession((session, res) => {
    session['visits'] = 1
    res.statusMessage = 'a\nb'
    res.end('body')
  }, store)
  wire.send('GET', '/')
  await wire.closed()
  expect(wire.received).toBe('')
  expect(errors).toMatchObject([{ code: 'ERR_INVALID_CHAR' }])
})
