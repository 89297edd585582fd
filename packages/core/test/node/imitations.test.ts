import fastify from 'fastify'
import { type AnyData, type Session, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { callMocked, callServerless, type NodeHandler } from '../support/imitations.ts'
import { Clock } from '../support/clock.ts'
import { SECRET } from '../support/secret.ts'
import { TroubledStore } from '../support/troubled-store.ts'

type Use = (session: Session<AnyData>) => unknown

const MEND = /await session\.save\(\)/

function serve(use: Use, clock: () => number = Date.now) {
  const errors: unknown[] = []
  const store = new TroubledStore()
  const sess = sessions(store, { secret: SECRET, clock, onError: (error) => errors.push(error) })
  const handler: NodeHandler = async (req, res) => {
    await use(await sess.open(req, res))
    res.statusCode = 201
    res.end('body')
  }
  return { handler, errors, store, sess }
}

function cookieOf(headers: Readonly<Record<string, unknown>>): string {
  return String(headers['set-cookie']).replace(/;.*/, '')
}

describe("a response that is none of Node's, and is read when the handler has ended", () => {
  test('is an error that names save(), where the session was changed', async () => {
    const { handler, errors, store } = serve((session) => (session['visits'] = 1))
    const answer = await callMocked(handler)
    expect(answer).toMatchObject({ status: 500, body: '500 Internal Server Error\n' })
    expect(errors).toMatchObject([{ code: 'INVALID_REQUEST', message: expect.stringMatching(MEND) }])
    expect([answer.headers['set-cookie'], store.methods]).toEqual([undefined, []])
  })

  test('is an error that names save(), where a save is not awaited', async () => {
    const { handler, errors } = serve((session) => {
      session['visits'] = 1
      void session.save()
    })
    expect(await callMocked(handler)).toMatchObject({ status: 500 })
    expect(errors).toMatchObject([{ message: expect.stringMatching(MEND) }])
  })

  test.each([
    ['changed', 500, (session: Session<AnyData>) => (session['visits'] = 1)],
    ['only read', 200, (session: Session<AnyData>) => session['visits']],
  ])('by end(await page()): where the session was %s, the status is %i', async (_used, status, use) => {
    const { sess, errors, store } = serve(() => undefined)
    // The imitation calls `write` only for a body.
    const page: NodeHandler = async (req, res) => void use(await sess.open(req, res))
    const answer = await callMocked(async (req, res) => res.end(await page(req, res)))
    expect(answer.status).toBe(status)
    expect(errors).toMatchObject(status === 500 ? [{ message: expect.stringMatching(MEND) }] : [])
    expect([answer.headers['set-cookie'], store.methods]).toEqual([undefined, []])
  })

  test('is complete, and carries the cookie, where the session was saved', async () => {
    const { handler, errors } = serve(async (session) => {
      session['visits'] = 1
      await session.save()
    })
    const answer = await callMocked(handler)
    expect(answer).toMatchObject({ status: 201, body: 'body' })
    expect(cookieOf(answer.headers)).toMatch(/sess=./)
    expect(errors).toEqual([])
  })

  test('is complete where the session was only read', async () => {
    const { handler, errors } = serve((session) => session['visits'])
    expect(await callMocked(handler)).toMatchObject({ status: 201, body: 'body', headers: { vary: 'Cookie' } })
    expect(errors).toEqual([])
  })

  test('is complete where the session is due for an extension, which is left to a later request', async () => {
    const clock = new Clock()
    let isFirst = true
    const { handler, errors, store } = serve(async (session) => {
      if (isFirst) session['visits'] = 1
      if (isFirst) await session.save()
      isFirst = false
    }, clock.read)
    const cookie = cookieOf((await callMocked(handler)).headers)
    clock.advance(12 * 60 * 60 * 1000)
    expect(await callMocked(handler, cookie)).toMatchObject({ status: 201, body: 'body' })
    expect([errors, store.methods]).toEqual([[], ['create', 'read']])
  })
})

describe("a response of Node's that has no connection", () => {
  test('waits for the store with a wrapper of serverless functions', async () => {
    const { handler, errors } = serve((session) => (session['visits'] = 1))
    const answer = await callServerless(handler)
    expect(answer).toMatchObject({ status: 201, body: 'body' })
    expect(cookieOf(answer.headers)).toMatch(/sess=./)
    expect(errors).toEqual([])
  })

  test('waits for the store with fastify.inject (light-my-request)', async () => {
    const { sess } = serve(() => undefined)
    const app = fastify()
    app.get('/', async (request, reply) => {
      const session = await sess.open(request.raw, reply.raw)
      session['visits'] = 1
      return 'body'
    })
    const { statusCode, body, cookies } = await app.inject('/')
    expect([statusCode, body, cookies.map(({ name }) => name)]).toEqual([200, 'body', ['sess']])
  })

  test('is an error that names the mend with light-my-request, by end(await page())', async () => {
    const { sess, errors } = serve(() => undefined)
    const app = fastify()
    app.get('/', async (request, reply) => {
      const page = async () => {
        const session = await sess.open(request.raw, reply.raw)
        session['visits'] = 1
        return 'body'
      }
      reply.hijack()
      reply.raw.end(await page())
    })
    await expect(app.inject('/')).rejects.toThrow('response destroyed before completion')
    expect(errors).toMatchObject([{ message: expect.stringContaining('const body = await page(req, res)') }])
  })
})
