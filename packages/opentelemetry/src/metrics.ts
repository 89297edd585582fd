import type { Counter, Histogram, Meter } from '@opentelemetry/api'

/** In seconds. Those of `db.client.operation.duration` in the semantic conventions. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

export interface Metrics {
  readonly openDuration: Histogram
  readonly commitDuration: Histogram
  readonly storeDuration: Histogram
  readonly commitRetries: Counter
  readonly begun: Counter
  readonly logins: Counter
  readonly ended: Counter
  readonly conflicts: Counter
  readonly takenOver: Counter
}

export function metricsOf(meter: Meter): Metrics {
  const duration = (name: string, description: string): Histogram =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: BOUNDARIES } })
  const counter = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(name, { description, unit: `{${unit}}` })
  return {
    openDuration: duration('sess.open.duration', 'Duration of opening a session.'),
    commitDuration: duration('sess.commit.duration', 'Duration of storing the changes of a request.'),
    storeDuration: duration('sess.store.operation.duration', 'Duration of a call to the store.'),
    commitRetries: counter(
      'sess.commit.retries',
      'retry',
      'Attempts to store changes after another request was first.',
    ),
    begun: counter('sess.begun', 'session', 'Sessions that began.'),
    logins: counter('sess.logins', 'login', 'Logins.'),
    ended: counter('sess.ended', 'session', 'Sessions that ended, by reason.'),
    conflicts: counter('sess.conflicts', 'conflict', 'Changes that were refused because another request was first.'),
    takenOver: counter('sess.taken_over', 'session', 'Sessions that were taken over from another library.'),
  }
}
