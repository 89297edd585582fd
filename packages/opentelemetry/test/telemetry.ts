import { context, SpanStatusCode } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { type DataPoint, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { SessInstrumentation, type SessInstrumentationConfig } from '@sess/opentelemetry'
import { onTestFinished } from 'vitest'

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** Follows what is active through promises, as an SDK does, until the test ends. */
function registerContextManager(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  onTestFinished(() => context.disable())
}

/** The real SDK, with an instrumentation that records until the test ends. */
export class Telemetry {
  readonly #exporter = new InMemorySpanExporter()
  readonly #logs = new InMemoryLogRecordExporter()
  readonly #reader = new Reader()
  readonly tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#exporter)] })
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] })
  readonly loggerProvider = new LoggerProvider({
    processors: [new SimpleLogRecordProcessor({ exporter: this.#logs })],
  })
  readonly instrumentation: SessInstrumentation

  constructor(config?: SessInstrumentationConfig) {
    registerContextManager()
    this.instrumentation = new SessInstrumentation(config)
    onTestFinished(() => this.instrumentation.disable())
    this.instrumentation.setTracerProvider(this.tracerProvider)
    this.instrumentation.setMeterProvider(this.meterProvider)
    this.instrumentation.setLoggerProvider(this.loggerProvider)
  }

  get spans(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  /** The only span of that name; of a commit, the only one that does that. */
  span(name: string, work?: string): ReadableSpan {
    const named = this.spans.filter((span) => span.name === name)
    return only(work === undefined ? named : named.filter(({ attributes }) => attributes['sess.commit.work'] === work))
  }

  parentOf(child: ReadableSpan): string | undefined {
    return this.spans.find((span) => span.spanContext().spanId === child.parentSpanContext?.spanId)?.name
  }

  /** The events, as [name, attributes]. */
  get events(): readonly (readonly [string | undefined, object])[] {
    return this.#logs.getFinishedLogRecords().map(({ eventName, attributes }) => [eventName, attributes])
  }

  /** Forgets spans and events. */
  forget(): void {
    this.#exporter.reset()
    this.#logs.reset()
  }

  async #metrics() {
    const { resourceMetrics, errors } = await this.#reader.collect()
    if (errors.length > 0) throw new AggregateError(errors)
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
  }

  /** The points of a metric that counted something: the attributes, and what was counted. */
  async counted(name: string): Promise<readonly (readonly [object, number])[]> {
    return (await this.points(name)).filter(([, count]) => count > 0)
  }

  /** The points of a metric: the attributes, and what was counted. */
  async points(name: string): Promise<readonly (readonly [object, number])[]> {
    const metrics = (await this.#metrics()).filter(({ descriptor }) => descriptor.name === name)
    const points = metrics.flatMap(({ dataPoints }): readonly DataPoint<number | { count: number }>[] => dataPoints)
    return points.map(({ attributes, value }) => [attributes, typeof value === 'number' ? value : value.count])
  }

  /** The unit of a metric, and its only histogram. */
  async histogram(name: string): Promise<{ readonly unit: string; readonly value: Histogram }> {
    const { descriptor, dataPoints } = only((await this.#metrics()).filter((one) => one.descriptor.name === name))
    const { value } = only<DataPoint<unknown>>(dataPoints)
    if (!isHistogram(value)) throw new Error(`${name} is no histogram`)
    return { unit: descriptor.unit, value }
  }

  async exportedMetrics(): Promise<string> {
    return JSON.stringify(await this.#metrics())
  }

  /** All that was exported, as text. */
  async exported(): Promise<string> {
    const spans = this.spans.map(({ name, attributes, events, links, status }) => ({
      name,
      attributes,
      events,
      links,
      status,
    }))
    return JSON.stringify([spans, await this.#metrics(), this.#logs.getFinishedLogRecords().map(withoutResource)])
  }
}

const withoutResource = ({
  eventName,
  body,
  attributes,
}: {
  eventName?: string
  body?: unknown
  attributes: object
}) => ({
  eventName,
  body,
  attributes,
})

const isHistogram = (value: unknown): value is Histogram =>
  typeof value === 'object' && value !== null && 'buckets' in value

function only<T>(all: readonly T[]): T {
  const [one, ...others] = all
  if (one === undefined || others.length > 0) throw new Error(`expected one, not ${all.length}`)
  return one
}

/** The status of a span that failed with that code. */
export const failedWith = (code: string): object => ({ code: SpanStatusCode.ERROR, message: code })
