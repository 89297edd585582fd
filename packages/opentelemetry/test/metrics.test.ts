import type { ServerStore } from '@sess/core/adapter'
import { SessError } from '@sess/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { DAY, HOUR } from '../../core/test/support/clock.ts'
import { FormerLibrary } from '../../core/test/support/former-library.ts'
import { Client, Site } from './site.ts'
import { Telemetry } from './telemetry.ts'

const memory = { 'sess.store.name': 'memory' }
const work = (name: string) => ({ ...memory, 'sess.commit.work': name })
const outcome = (name: string) => ({ ...memory, 'sess.open.outcome': name })
const call = (name: string) => ({ ...memory, 'sess.store.operation.name': name })
const reason = (name: string) => ({ ...memory, 'sess.end.reason': name })
const failure = (code: string) => ({ 'error.type': code })

test('a duration has the unit and the boundaries of the semantic conventions for databases', async () => {
  const telemetry = new Telemetry()
  await new Site().visit(new Client(), '/', (session) => void (session.note = 'a'))
  for (const name of ['sess.open.duration', 'sess.commit.duration', 'sess.store.operation.duration']) {
    const { unit, value } = await telemetry.histogram(name)
    expect(unit).toBe('s')
    expect(value.buckets.boundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
  }
})

test('a duration is in seconds', async () => {
  const telemetry = new Telemetry()
  const began = performance.now()
  await new Site().visit(new Client(), '/', (session) => void (session.note = 'a'))
  const elapsed = (performance.now() - began) / 1000
  const { sum = 0 } = (await telemetry.histogram('sess.commit.duration')).value
  expect(sum).toBeGreaterThan(0)
  expect(sum).toBeLessThan(elapsed)
})

test('commits are counted by what they did', async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site(), new Client()]
  await site.visit(client, '/1', (session) => void (session.note = 'a'))
  await site.visit(client, '/2', (session) => void (session.note = 'b'))
  await site.visit(client, '/3', (session) => session.regenerate())
  site.clock.advance(12 * HOUR)
  await site.visit(client, '/4', () => undefined)
  await site.visit(client, '/5', (session) => session.destroy())
  expect(await telemetry.counted('sess.commit.duration')).toEqual(
    ['create', 'update', 'rotate', 'extend', 'end'].map((name) => [work(name), 1]),
  )
})

test('opens are counted by their outcome', async () => {
  const telemetry = new Telemetry()
  // It warns of the foreign cookie.
  const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
  onTestFinished(() => warning.mockRestore())
  const [site, client] = [new Site(), new Client()]
  await site.visit(client, '/1', (session) => void (session.note = 'a'))
  await site.visit(client, '/2', () => undefined)
  await new Site({ secret: 'a secret of another application, as long' }).visit(client, '/', () => undefined)
  expect(await telemetry.counted('sess.open.duration')).toEqual(
    ['none', 'found', 'foreign'].map((name) => [outcome(name), 1]),
  )
})

test('calls to the store are counted', async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site(), new Client()]
  await site.visit(client, '/1', (session) => void (session.note = 'a'))
  await site.visit(client, '/2', (session) => void (session.note = 'b'))
  expect(await telemetry.counted('sess.store.operation.duration')).toEqual(
    ['create', 'read', 'update'].map((name) => [call(name), 1]),
  )
})

test('what failed is counted by the code of the error', async () => {
  const telemetry = new Telemetry()
  const down = async (): Promise<never> => {
    throw new SessError('UNAVAILABLE', 'The store is down.')
  }
  const failing = (store: ServerStore): ServerStore => ({ ...store, create: down })
  await new Site({ wrap: failing }).visit(new Client(), '/', (session) => void (session.note = 'a'))
  const unavailable = failure('UNAVAILABLE')
  expect(await telemetry.counted('sess.commit.duration')).toEqual([[{ ...work('create'), ...unavailable }, 1]])
  expect(await telemetry.counted('sess.store.operation.duration')).toEqual([[{ ...call('create'), ...unavailable }, 1]])
})

test('a session that began, a login and a logout are counted', async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site({ owner: 'userId' }), new Client()]
  await site.visit(client, '/1', (session) => void (session.note = 'a'))
  await site.visit(client, '/2', (session) => void (session.userId = 1))
  await site.visit(client, '/3', (session) => session.destroy())
  expect(await telemetry.counted('sess.begun')).toEqual([[memory, 1]])
  expect(await telemetry.counted('sess.logins')).toEqual([[memory, 1]])
  expect(await telemetry.counted('sess.ended')).toEqual([[reason('logout'), 1]])
})

test('sessions that were revoked, or beyond the limit, or have expired are counted apart', async () => {
  const telemetry = new Telemetry()
  const site = new Site({ owner: 'userId', maxPerOwner: 1 })
  const clients = [new Client(), new Client()]
  for (const client of clients) await site.visit(client, '/login', (session) => void (session.userId = 1))
  await site.sess.owner(1).revoke()
  const [client = new Client()] = clients
  await site.visit(client, '/note', (session) => void (session.note = 'a'))
  site.clock.advance(2 * DAY)
  await site.visit(client, '/late', () => undefined)
  expect(await telemetry.counted('sess.ended')).toEqual(
    ['revoked', 'limit', 'expired'].map((name) => [reason(name), 1]),
  )
})

test('a conflict is counted, and is an error of its commit', async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site(), new Client()]
  await site.visit(client, '/1', (session) => void (session.visits = 1))
  const status = await site.visit(client, '/2', async (session) => {
    session.visits = (session.visits ?? 0) + 1
    await site.visit(client, '/3', (other) => void (other.visits = 7))
  })
  expect(status).toBe(409)
  expect(await telemetry.counted('sess.conflicts')).toEqual([[memory, 1]])
  expect(await telemetry.counted('sess.commit.duration')).toContainEqual([
    { ...work('update'), ...failure('CONFLICT') },
    1,
  ])
})

test('an attempt to store after another request was first is counted', async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site(), new Client()]
  await site.visit(client, '/1', (session) => void (session.visits = 1))
  await site.visit(client, '/2', async (session) => {
    session.update('visits', (n = 0) => n + 1)
    await site.visit(client, '/3', (other) => void (other.note = 'a'))
  })
  expect(await telemetry.counted('sess.commit.retries')).toEqual([[memory, 1]])
})

test('a session that was taken over from another library is counted by the name of that', async () => {
  const telemetry = new Telemetry()
  const library = new FormerLibrary()
  const [site, client] = [new Site({ migrate: [library] }), new Client()]
  client.cookie = `former.sid=${library.begin('1', { note: 'a' })}`
  await site.visit(client, '/', () => undefined)
  expect(await telemetry.counted('sess.taken_over')).toEqual([[{ 'sess.migrate.from': 'former' }, 1]])
})

test('counters are at 0 from the first request on, so that the rate of their first event is right', async () => {
  const telemetry = new Telemetry()
  await new Site().visit(new Client(), '/', () => undefined)
  for (const name of ['sess.begun', 'sess.logins', 'sess.conflicts', 'sess.commit.retries'])
    expect(await telemetry.points(name)).toEqual([[memory, 0]])
  const reasons = ['logout', 'revoked', 'limit', 'expired']
  expect(await telemetry.points('sess.ended')).toEqual(reasons.map((name) => [reason(name), 0]))
})
