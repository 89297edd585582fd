import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { FormerSession } from '@sess/core/adapter'
import { type CallbackStore, connectRedis, expressSession, fastifySession, type RedisClient } from '@sess/migrate'
import { sign } from 'cookie-signature'
import { describe, expect, it } from 'vitest'
import { SECRET } from './support/writers.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const at = (ms: number): string => new Date(ms).toISOString()

type Callback = Parameters<CallbackStore['get']>[1]

/** A store of an application, in memory, that answers as its author wrote it. */
function storeOf(answer: (callback: Callback) => unknown): CallbackStore {
  return { get: (_id, callback) => answer(callback), destroy: (_id, callback) => answer(callback) }
}

/** A client of Redis with one key. */
function clientOf(row: unknown, left: unknown = -1): RedisClient {
  return { get: async () => row, del: async () => 1, pttl: async () => left }
}

async function found({ find }: ReturnType<typeof expressSession>, prefix = 's:'): Promise<FormerSession> {
  const session = await find(() => [encodeURIComponent(prefix + sign('an-id', SECRET))])
  if (session === undefined) throw new Error('expected a session')
  return session
}

const express = (store: CallbackStore) => found(expressSession({ store, secret: SECRET }))
const fastify = (store: CallbackStore) => found(fastifySession({ store, secret: SECRET }), '')
const redis = (client: RedisClient) => found(connectRedis({ client, secret: SECRET }))

const row = (expires: unknown, values: object = { user: 'ada' }) => ({ ...values, cookie: { expires } })
const answering = (session: unknown) => storeOf((callback) => callback(null, session))

describe('a store', () => {
  const IN_DETAIL = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', args: ['sess:an-id'] })

  it.each<[string, CallbackStore]>([
    ['passes to its callback', storeOf((callback) => callback(IN_DETAIL))],
    [
      'throws',
      storeOf(() => {
        throw IN_DETAIL
      }),
    ],
    [
      'rejects with',
      storeOf(async () => {
        throw IN_DETAIL
      }),
    ],
  ])('has what it %s reported as UNAVAILABLE, without what it was asked', async (_how, store) => {
    const session = await express(store)
    for (const failing of [session.read(NOW), session.end()]) {
      const error: unknown = await failing.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'UNAVAILABLE', message: 'The express-session store failed: ECONNREFUSED.' })
      expect(inspect(error)).not.toContain('an-id')
    }
  })

  it('that answers twice is heard once', async () => {
    const session = await express(
      storeOf((callback) => {
        callback(null, row(null))
        callback(new Error('late'))
        callback(null, row(null, { user: 'grace' }))
        throw new Error('later')
      }),
    )
    expect((await session.read(NOW))?.values).toEqual({ user: 'ada' })
  })

  it('that rejects after its answer leaves no rejection unhandled', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const session = await express(
      storeOf(async (callback) => {
        callback(null, row(null))
        throw new Error('late')
      }),
    )
    await session.read(NOW)
    await turn()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('that never answers one request answers the next one', async () => {
    const waiting: Callback[] = []
    const session = await express(storeOf((callback) => waiting.push(callback)))
    const [first, second] = [session.read(NOW), session.read(NOW)]
    waiting[1]?.(null, row(null))
    expect((await second)?.values).toEqual({ user: 'ada' })
    waiting[0]?.(null, undefined)
    expect(await first).toBeUndefined()
  })

  it.each([
    ['null', null],
    ['nothing', undefined],
    ['false', false],
  ])('that answers %s has no such session', async (_what, answer) => {
    expect(await (await express(answering(answer))).read(NOW)).toBeUndefined()
  })

  it('of files, which has no file of the session, has no such session', async () => {
    const store = storeOf((callback) => callback(Object.assign(new Error('no such file'), { code: 'ENOENT' })))
    const session = await express(store)
    expect(await session.read(NOW)).toBeUndefined()
    await expect(session.end()).resolves.toBeUndefined()
  })

  const CYCLE: { cookie: object; self?: object } = { cookie: {} }
  CYCLE.self = CYCLE

  it.each<[string, () => Promise<FormerSession>]>([
    ['a text', () => express(answering('ada'))],
    ['a list', () => express(answering([{ cookie: {} }]))],
    ['an object without a cookie', () => express(answering({ user: 'ada' }))],
    ['a cycle', () => express(answering(CYCLE))],
    ['a bigint', () => fastify(answering({ cookie: {}, count: 1n }))],
    ['what JSON.parse threw', () => express(storeOf(() => JSON.parse('ada, lovelace')))],
    ['an entry that is not JSON', () => redis(clientOf('ada, lovelace'))],
    ['an entry without a cookie', () => redis(clientOf('{"user":"ada"}'))],
    ['an empty entry', () => redis(clientOf(''))],
    ['bytes', () => redis(clientOf(Buffer.from('{"cookie":{}}')))],
  ])('that has %s under the id has it reported as CORRUPT, and not shown', async (_what, open) => {
    const error: unknown = await (await open()).read(NOW).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('is not a session in JSON') })
    expect(inspect(error)).not.toMatch(/ada|lovelace|an-id/)
  })

  it('cannot change a prototype by the keys of a session', async () => {
    const data = await (await redis(clientOf('{"__proto__":{"isAdmin":true},"user":"ada","cookie":{}}'))).read(NOW)
    expect(Object.keys(data?.values ?? {})).toEqual(['user'])
  })

  it('gives values that the application can change without changing the store', async () => {
    const session = row(null, { cart: ['emma'] })
    const data = await (await express(answering(session))).read(NOW)
    expect(data?.values['cart']).toEqual(['emma'])
    expect(data?.values['cart']).not.toBe(Reflect.get(session, 'cart'))
  })
})

describe('a session in a store', () => {
  it.each([
    ['a date', new Date(NOW + 1000), NOW + 1000],
    ['a text', at(NOW + 1000), NOW + 1000],
    ['null', null, undefined],
    ['false', false, undefined],
    ['nothing', undefined, undefined],
    ['no time', 'tomorrow', undefined],
    ['a date that is none', new Date(Number.NaN), undefined],
  ])('ends at cookie.expires, which is %s', async (_what, expires, expiresAt) => {
    expect(await (await express(answering(row(expires)))).read(NOW)).toEqual({ values: { user: 'ada' }, expiresAt })
  })

  it.each([
    ['express-session', express],
    ['@fastify/session', fastify],
  ])('of %s has ended at cookie.expires', async (_library, open) => {
    const session = await open(answering(row(at(NOW))))
    expect(await session.read(NOW - 1)).toBeDefined()
    expect(await session.read(NOW)).toBeUndefined()
  })

  it('of express-session is alive after that, and nobody knows for how long, if the store extends it by touch', async () => {
    const session = await express(Object.assign(answering(row(at(NOW))), { touch() {} }))
    expect(await session.read(NOW)).toEqual({ values: { user: 'ada' }, expiresAt: undefined })
  })
})

describe('a session in Redis', () => {
  const json = (expires: unknown) => JSON.stringify(row(expires))

  it('ends when Redis removes it, which touch extends, and not at cookie.expires', async () => {
    const session = await redis(clientOf(json(at(NOW - 5000)), 30_000))
    expect(await session.read(NOW)).toEqual({ values: { user: 'ada' }, expiresAt: NOW + 30_000 })
  })

  it('ends at cookie.expires if Redis never removes it', async () => {
    const session = await redis(clientOf(json(at(NOW)), -1))
    expect((await session.read(NOW - 1))?.expiresAt).toBe(NOW)
    expect(await session.read(NOW)).toBeUndefined()
  })

  it('has ended if Redis removed it between two commands', async () => {
    expect(await (await redis(clientOf(json(null), -2))).read(NOW)).toBeUndefined()
  })

  it('that cannot be reached is UNAVAILABLE, whichever command failed', async () => {
    const refuse = async (): Promise<never> => {
      throw new Error('Connection is closed.')
    }
    const session = await redis({ get: refuse, del: refuse, pTTL: refuse })
    await expect(session.read(NOW)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(session.end()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
