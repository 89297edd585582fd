import { type Attributes, context, type Histogram, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import { ERROR_TYPE, errorType } from './attributes.js'
import type { Operation } from './channels.js'

/** What is told of an operation. It is read at the end of the operation, when all of it is known. */
interface Facts {
  /** For the span and the metric: few values. */
  readonly measured: Attributes
  /** For the span alone. */
  readonly detailed?: Attributes
}

interface Subject {
  readonly name: string
  /** `undefined`: no span. */
  readonly tracer: Tracer | undefined
  readonly duration: Histogram
  readonly message: { readonly error?: unknown }
  readonly facts: () => Facts
}

/** A span, which is active while the operation runs, and a measurement of its duration. */
export function begin({ name, tracer, duration, message, facts }: Subject): Operation {
  const span = tracer?.startSpan(name)
  const began = performance.now()
  return {
    active: span === undefined ? context.active() : trace.setSpan(context.active(), span),
    end() {
      const seconds = (performance.now() - began) / 1000
      const { measured, detailed } = facts()
      const failure = message.error === undefined ? undefined : errorType(message.error)
      const attributes = known({ ...measured, [ERROR_TYPE]: failure })
      duration.record(seconds, attributes)
      if (failure !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR, message: failure })
      span?.setAttributes({ ...attributes, ...known(detailed) }).end()
    },
  }
}

const known = (attributes: Attributes = {}): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
