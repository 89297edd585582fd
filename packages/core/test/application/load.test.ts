import { execFile } from 'node:child_process'
import { Agent, request as httpRequest } from 'node:http'
import { fileURLToPath } from 'node:url'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SECRET } from '../support/secret.js'
import { type Handler, Handling, serve } from '../support/served.js'

interface Answer {
  readonly status: number
  readonly body: string
  readonly cookie: string | undefined
}

let scopes = 0
const scope = () => `load-test-${scopes++}`

/** Serves the handler; resolves with a client that uses up to that many connections at once. */
async function load(
  handler: Handler<void>,
  connections: number,
): Promise<(path: string, cookie?: string) => Promise<Answer>> {
  const port = await serve(new Handling(handler).listener)
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  onTestFinished(() => agent.destroy())
  return (path, cookie) =>
    new Promise((resolve, reject) => {
      const request = httpRequest({
        host: '127.0.0.1',
        port,
        path,
        agent,
        headers: cookie === undefined ? {} : { cookie },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => (body += String(chunk)))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body,
            cookie: response.headers['set-cookie']?.[0]?.split(';')[0],
          }),
        )
      })
      request.end()
    })
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

describe('hundreds of clients on a few sessions', () => {
  test.each([
    ['one application', 1],
    ['eight applications that share them', 8],
  ])('counters by update are exact: %s', async (_name, count) => {
    const name = scope()
    // Each instance has its own swaps, so that conflicts between them are decided in the store.
    const applications = times(count, (index) =>
      sessions('memory', { secret: SECRET, scope: name, idleTimeout: `${index + 1}h` }),
    )
    const get = await load(async (request, response) => {
      const index = Number(request.headers['x-application'] ?? Math.floor(Math.random() * count))
      const session = await applications[index % count]?.open(request, response)
      // Every request of a burst reads the session before the first one writes.
      await setImmediate()
      if (request.url !== '/read') session?.update('count', (n) => Number(n ?? 0) + 1)
      response.end(JSON.stringify(session?.['count']))
    }, 300)
    const cookies = await Promise.all(times(3, async () => (await get('/')).cookie ?? ''))
    const answers = await Promise.all(times(3_000, (index) => get('/', cookies[index % 3])))
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(await Promise.all(cookies.map(async (cookie) => (await get('/read', cookie)).body))).toEqual([
      '1001',
      '1001',
      '1001',
    ])
  })

  test('200 parallel writers of 200 keys of one session lose none', async () => {
    const sess = sessions('memory', { secret: SECRET, scope: scope() })
    const get = await load(async (request, response) => {
      const session = await sess.open(request, response)
      await setImmediate()
      const key = request.url?.slice(1) ?? ''
      if (key !== 'all') session[key] = true
      response.end(String(Object.keys(session).length))
    }, 200)
    const { cookie } = await get('/first')
    await Promise.all(times(200, (index) => get(`/key${index}`, cookie)))
    expect((await get('/all', cookie)).body).toBe('201')
  })

  test('with logins and logouts among them, each answer is a success or a conflict, and every success is kept', async () => {
    // Conflicts are expected, so they are not logged.
    const sess = sessions('memory', { secret: SECRET, scope: scope(), onError: () => undefined })
    const get = await load(async (request, response) => {
      const session = await sess.open(request, response)
      await setImmediate()
      const { pathname } = new URL(request.url ?? '/', 'http://localhost')
      if (pathname === '/login') session.regenerate()
      if (pathname === '/logout') session.destroy()
      else if (pathname !== '/read') session.update('count', (n) => Number(n ?? 0) + 1)
      response.end(JSON.stringify(session['count'] ?? null))
    }, 300)
    const browsers = await Promise.all(
      times(40, async (number) => {
        let cookie = (await get('/')).cookie
        let kept = 1
        for (let round = 0; round < 6; round++) {
          const paths = [
            '/',
            '/',
            '/',
            round % 3 === 1 ? '/login' : '/',
            number % 4 === 0 && round === 4 ? '/logout' : '/',
          ]
          const answers = await Promise.all(paths.map((path) => get(path, cookie)))
          const refused = answers.filter(({ status }) => status !== 200)
          expect(refused.filter(({ status }) => status !== 409)).toEqual([])
          const isEnded = answers.some(({ status }, index) => paths[index] === '/logout' && status === 200)
          // A login carries over what was stored before it; later writes with the old token are refused.
          kept = isEnded
            ? Number.NaN
            : kept + answers.filter(({ status }, index) => status === 200 && paths[index] !== '/logout').length
          if (isEnded) return { kept, count: (await get('/read', cookie)).body }
          cookie = answers.map((answer) => answer.cookie).find((set) => set !== undefined) ?? cookie
        }
        return { kept, count: (await get('/read', cookie)).body }
      }),
    )
    for (const { kept, count } of browsers) expect(count).toBe(Number.isNaN(kept) ? 'null' : String(kept))
  })
})

describe('memory is flat', () => {
  const program = fileURLToPath(new URL('../fixtures/anonymous.js', import.meta.url))

  // An empty object and its place in a list are 24 bytes or more, so one that each request left would exceed LIMIT. Twice
  // or five times as many requests leave no more than these.
  const AMOUNT = 200_000
  const LIMIT = 4 * 2 ** 20

  test.each([
    ['requests without a cookie', 'anonymous'],
    ['requests with junk for a cookie', 'junk'],
  ])(`after ${AMOUNT} %s, none of which leaves an entry`, { timeout: 120_000 }, async (_requests, kind) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program, kind, String(AMOUNT)])
    const report: unknown = JSON.parse(stdout)
    expect(report).toEqual({ growth: expect.any(Number), entries: 0, cookies: 0 })
    expect(Number(Object(report).growth)).toBeLessThan(LIMIT)
  })
})
