import { channel, tracingChannel } from 'node:diagnostics_channel'
import { diag, type DiagLogger, trace } from '@opentelemetry/api'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { SessInstrumentation } from '@sess/opentelemetry'
import { expect, onTestFinished, test } from 'vitest'
import { thrownBy } from '../../core/test/support/failure.ts'
import { Client, Site } from './site.ts'
import { Telemetry } from './telemetry.ts'

const begin = () => new Site().visit(new Client(), '/', (session) => void (session.note = 'a'))

const isSubscribed = () =>
  ['sess.begin', 'sess.login', 'sess.end', 'sess.conflict', 'sess.migrate'].some(
    (name) => channel(name).hasSubscribers,
  ) ||
  ['sess.open', 'sess.commit', 'sess.store'].some((name) => {
    const { start, end, asyncEnd } = tracingChannel(name)
    return start.hasSubscribers || end.hasSubscribers || asyncEnd.hasSubscribers
  })

test('enabled twice, it records everything once', async () => {
  const telemetry = new Telemetry()
  telemetry.instrumentation.enable()
  await begin()
  expect(telemetry.spans.map(({ name }) => name)).toEqual(['sess.open', 'sess.commit'])
  expect((await telemetry.counted('sess.begun')).map(([, count]) => count)).toEqual([1])
})

test('disabled, it leaves no subscriber, and can be enabled again', async () => {
  const telemetry = new Telemetry()
  expect(isSubscribed()).toBe(true)
  telemetry.instrumentation.disable()
  telemetry.instrumentation.disable()
  expect(isSubscribed()).toBe(false)
  await begin()
  expect(telemetry.spans).toEqual([])
  telemetry.instrumentation.enable()
  await begin()
  expect(telemetry.spans).toHaveLength(2)
})

test('with enabled: false it records nothing until it is registered', async () => {
  const telemetry = new Telemetry({ enabled: false })
  await begin()
  expect(telemetry.spans).toEqual([])
  const { instrumentation, ...providers } = telemetry
  const unregister = registerInstrumentations({ instrumentations: [instrumentation], ...providers })
  await begin()
  expect(telemetry.spans).toHaveLength(2)
  expect(telemetry.events).toHaveLength(1)
  unregister()
  expect(isSubscribed()).toBe(false)
})

test('options that are replaced count from then on', async () => {
  const telemetry = new Telemetry()
  telemetry.instrumentation.setConfig({ storeSpans: true })
  expect(telemetry.instrumentation.getConfig()).toEqual({ enabled: true, storeSpans: true })
  await begin()
  expect(telemetry.spans.map(({ name }) => name)).toContain('sess.store.create')
})

test('without an SDK, sessions work as before', async () => {
  const instrumentation = new SessInstrumentation({ storeSpans: true })
  onTestFinished(() => instrumentation.disable())
  expect(trace.getTracer('any').startSpan('any').isRecording()).toBe(false)
  expect(await begin()).toBe(200)
})

/** A processor whose `fails` throws. */
const failingProcessor = (fails: 'onStart' | 'onEnd'): SpanProcessor => ({
  onStart: () => undefined,
  onEnd: () => undefined,
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
  [fails]: () => {
    throw new Error(fails)
  },
})

class Log implements DiagLogger {
  readonly errors: unknown[][] = []
  readonly error = (...words: unknown[]): void => void this.errors.push(words)
  readonly warn = (): void => undefined
  readonly info = (): void => undefined
  readonly debug = (): void => undefined
  readonly verbose = (): void => undefined
}

test.each(['onStart', 'onEnd'] as const)(
  'a processor that throws in %s fails no request, and is reported',
  async (fails) => {
    const log = new Log()
    diag.setLogger(log)
    onTestFinished(() => diag.disable())
    const telemetry = new Telemetry()
    telemetry.instrumentation.setTracerProvider(new BasicTracerProvider({ spanProcessors: [failingProcessor(fails)] }))
    expect(await begin()).toBe(200)
    expect(log.errors).toContainEqual([
      '@sess/opentelemetry could not record what happened to a session.',
      new Error(fails),
    ])
  },
)

test.each([
  ['Option SessInstrumentation."storeSpan" is not known', { storeSpan: true }],
  ['Option SessInstrumentation.storeSpans is a string', { storeSpans: 'yes' }],
  ['Option SessInstrumentation is null', null],
])('%s', (message, config) => {
  const make = (): unknown => Reflect.construct(SessInstrumentation, [config])
  expect(thrownBy(make)).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(message) })
  expect(isSubscribed()).toBe(false)
})
