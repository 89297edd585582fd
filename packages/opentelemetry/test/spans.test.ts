import { SpanStatusCode } from '@opentelemetry/api'
import { type ServerStore, SessError } from '@sess/core/adapter'
import { expect, test } from 'vitest'
import { Client, Site } from './site.ts'
import { failedWith, Telemetry } from './telemetry.ts'

const tracerOf = ({ tracerProvider }: Telemetry) => tracerProvider.getTracer('test')

test('to open a session is a span within the span of the request', async () => {
  const telemetry = new Telemetry()
  await new Site({ tracer: tracerOf(telemetry) }).visit(new Client(), '/', () => undefined)
  const span = telemetry.span('sess.open')
  expect(telemetry.parentOf(span)).toBe('GET /')
  expect(span.attributes).toEqual({ 'sess.store.name': 'memory', 'sess.open.outcome': 'none' })
})

test('a span of a session that was found has its public name', async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site(), new Client()]
  let id: string | undefined
  await site.visit(client, '/', (session) => {
    session.note = 'a'
    id = site.sess.id(session)
  })
  telemetry.forget()
  await site.visit(client, '/', () => undefined)
  expect(telemetry.span('sess.open').attributes).toEqual({
    'sess.store.name': 'memory',
    'sess.open.outcome': 'found',
    'session.id': id,
  })
})

test('to commit is a span within the span of the request whose response it holds', async () => {
  const telemetry = new Telemetry()
  const site = new Site({ tracer: tracerOf(telemetry) })
  let id: string | undefined
  await site.visit(new Client(), '/', (session) => {
    session.note = 'a'
    id = site.sess.id(session)
  })
  const span = telemetry.span('sess.commit')
  expect(telemetry.parentOf(span)).toBe('GET /')
  expect(span.attributes).toEqual({
    'sess.store.name': 'memory',
    'sess.commit.work': 'create',
    'sess.commit.size': expect.any(Number),
    'session.id': id,
  })
})

test('each of many requests at once has its commit within its own span', async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site({ tracer: tracerOf(telemetry) }), new Client()]
  await site.visit(client, '/first', (session) => void (session.note = 'a'))
  telemetry.forget()
  const paths = Array.from({ length: 8 }, (_, n) => `/${n}`)
  await Promise.all(
    paths.map((path) => site.visit(client, path, (session) => void session.update('visits', (n = 0) => n + 1))),
  )
  const commits = telemetry.spans.filter(({ name }) => name === 'sess.commit')
  expect(new Set(commits.map((span) => telemetry.parentOf(span)))).toEqual(new Set(paths.map((path) => `GET ${path}`)))
})

test('a request that changes nothing has no span of a commit', async () => {
  const telemetry = new Telemetry()
  await new Site().visit(new Client(), '/', (session) => void session.note)
  expect(telemetry.spans.map(({ name }) => name)).toEqual(['sess.open'])
})

test('calls to the store are spans only if that is asked for, within what needed them', async () => {
  const telemetry = new Telemetry({ storeSpans: true })
  const [site, client] = [new Site(), new Client()]
  await site.visit(client, '/', (session) => void (session.note = 'a'))
  await site.visit(client, '/', () => undefined)
  const created = telemetry.span('sess.store.create')
  expect(telemetry.parentOf(created)).toBe('sess.commit')
  expect(created.attributes).toEqual({ 'sess.store.name': 'memory', 'sess.store.operation.name': 'create' })
  expect(telemetry.parentOf(telemetry.span('sess.store.read'))).toBe('sess.open')
})

/** A store whose client is instrumented: it makes a span of each read. */
const instrumented =
  (telemetry: Telemetry) =>
  (store: ServerStore): ServerStore => ({
    ...store,
    create: (key, entry) => store.create(key, entry),
    update: (key, entry, version) => store.update(key, entry, version),
    destroy: (key) => store.destroy(key),
    close: () => store.close(),
    read: (key) =>
      tracerOf(telemetry).startActiveSpan('GET', async (span) => {
        const entry = await store.read(key)
        span.end()
        return entry
      }),
  })

test.each([
  [false, 'sess.open'],
  [true, 'sess.store.read'],
])("spans of the store's client are within ours: storeSpans %s", async (storeSpans, parent) => {
  const telemetry = new Telemetry({ storeSpans })
  const [site, client] = [new Site({ wrap: instrumented(telemetry) }), new Client()]
  await site.visit(client, '/', (session) => void (session.note = 'a'))
  await site.visit(client, '/', () => undefined)
  expect(telemetry.parentOf(telemetry.span('GET'))).toBe(parent)
})

test('what a handler does after it has opened the session is not within the span of that', async () => {
  const telemetry = new Telemetry()
  const site = new Site({ tracer: tracerOf(telemetry) })
  await site.visit(new Client(), '/', () => tracerOf(telemetry).startSpan('later').end())
  expect(telemetry.parentOf(telemetry.span('later'))).toBe('GET /')
})

const failing = (store: ServerStore): ServerStore => ({
  ...store,
  update: (key, entry, version) => store.update(key, entry, version),
  destroy: (key) => store.destroy(key),
  close: () => store.close(),
  read: (key) => store.read(key),
  create: async () => {
    throw new SessError('UNAVAILABLE', 'The store is down.')
  },
})

test('a span of what failed has the status of an error, and its code', async () => {
  const telemetry = new Telemetry({ storeSpans: true })
  const status = await new Site({ wrap: failing }).visit(new Client(), '/', (session) => void (session.note = 'a'))
  expect(status).toBe(503)
  for (const name of ['sess.commit', 'sess.store.create']) {
    const span = telemetry.span(name)
    expect([span.status, span.attributes['error.type']]).toEqual([failedWith('UNAVAILABLE'), 'UNAVAILABLE'])
  }
})

test("an error that is not core's shows nothing of itself", async () => {
  const telemetry = new Telemetry()
  const [site, client] = [new Site(), new Client()]
  await site.visit(client, '/', (session) => void (session.visits = 1))
  telemetry.forget()
  await site.visit(client, '/failing', async (session) => {
    let calls = 0
    session.update('visits', (n = 0) => {
      if (++calls > 1) throw new Error('what an application works on')
      return n + 1
    })
    await site.visit(client, '/first', (other) => void (other.visits = 7))
  })
  const failed = telemetry.spans.filter(({ status }) => status.code === SpanStatusCode.ERROR)
  expect(failed.map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([['sess.commit', '_OTHER']])
  expect(await telemetry.exported()).not.toContain('what an application works on')
})
