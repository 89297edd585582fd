import type { Counter, Histogram, Meter } from '@opentelemetry/api'
import type { EndReason } from '@sess/core'
import { REASON, STORE } from './attributes.js'

/** In seconds. Those of `db.client.operation.duration` in the semantic conventions. */
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

const REASONS = Object.keys({
  logout: true,
  revoked: true,
  limit: true,
  expired: true,
} satisfies Record<EndReason, true>)

/** The instruments of one meter. */
export class Metrics {
  readonly openDuration: Histogram
  readonly commitDuration: Histogram
  readonly storeDuration: Histogram
  readonly commitRetries: Counter
  readonly begun: Counter
  readonly logins: Counter
  readonly ended: Counter
  readonly conflicts: Counter
  readonly takenOver: Counter
  readonly #stores = new Set<string>()

  constructor(meter: Meter) {
    const duration = (name: string, description: string): Histogram =>
      meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: BOUNDARIES } })
    const counter = (name: string, unit: string, description: string): Counter =>
      meter.createCounter(name, { description, unit: `{${unit}}` })
    this.openDuration = duration('sess.open.duration', 'Duration of loading a session.')
    this.commitDuration = duration('sess.commit.duration', 'Duration of storing what a request did to its session.')
    this.storeDuration = duration('sess.store.operation.duration', 'Duration of a call to the store.')
    this.commitRetries = counter('sess.commit.retries', 'retry', 'Attempts to store after another request was first.')
    this.begun = counter('sess.begun', 'session', 'Sessions that began.')
    this.logins = counter('sess.logins', 'login', 'Logins.')
    this.ended = counter('sess.ended', 'session', 'Sessions that ended, by reason.')
    this.conflicts = counter('sess.conflicts', 'request', 'Requests that were refused because another one was first.')
    this.takenOver = counter('sess.taken_over', 'session', 'Sessions that were taken over from another library.')
  }

  /** Starts the counters of a store at 0. The rate of a counter that appears with its first event misses that event. */
  startAtZero(store: string): void {
    if (this.#stores.has(store)) return
    this.#stores.add(store)
    for (const counter of [this.commitRetries, this.begun, this.logins, this.conflicts])
      counter.add(0, { [STORE]: store })
    for (const reason of REASONS) this.ended.add(0, { [STORE]: store, [REASON]: reason })
  }
}
