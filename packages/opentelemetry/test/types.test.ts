import type { Instrumentation } from '@opentelemetry/instrumentation'
import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node'
import { type EventLoggerProvider, SessInstrumentation } from '@sess/opentelemetry'
import { LoggerProvider } from '@opentelemetry/sdk-logs'
import { expect, test } from 'vitest'

test('it is an instrumentation for the compiler', () => {
  const instrumentation: Instrumentation = new SessInstrumentation({ enabled: false })
  const configuration: Partial<NodeSDKConfiguration> = { instrumentations: [instrumentation] }
  const events: EventLoggerProvider = new LoggerProvider()
  expect([configuration.instrumentations, events]).toEqual([[instrumentation], events])
})

test('the compiler refuses options that do not exist', () => {
  // @ts-expect-error -- It is called storeSpans.
  expect(() => new SessInstrumentation({ storeSpan: true })).toThrow('storeSpan')
  // @ts-expect-error -- It is true or false.
  expect(() => new SessInstrumentation({ enabled: 'yes' })).toThrow('enabled')
})
