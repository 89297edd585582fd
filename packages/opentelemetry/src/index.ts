/**
 * Traces, metrics and events of `@sess` for OpenTelemetry: give `new SessInstrumentation()` to the SDK.
 *
 * @module @sess/opentelemetry
 */
export { SessInstrumentation, type SessInstrumentationConfig } from './instrumentation.js'
export type { EventLogger, EventLoggerProvider, EventRecord } from './events.js'
