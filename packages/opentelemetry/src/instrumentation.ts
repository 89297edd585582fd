import { type MeterProvider, metrics, trace, type Tracer, type TracerProvider } from '@opentelemetry/api'
import type { BeginMessage, CommitMessage, EndMessage, OpenMessage, StoreMessage } from '@sess/core'
import { flag, optional, readOptions } from '@sess/core/adapter'
import { ATTEMPTS, CALL, FROM, OUTCOME, REASON, SESSION_ID, SIZE, STORE, WORK } from './attributes.js'
import { type EventLogger, type EventLoggerProvider, sessionEnd, sessionStart } from './events.js'
import { follow, listen, type Operation } from './channels.js'
import { Metrics } from './metrics.js'
import { begin } from './operations.js'

/** The package and its version. The build puts it here. */
declare const PACKAGE_ID: string

const [, NAME = '', VERSION = ''] = /^(.+)@(.+)$/.exec(PACKAGE_ID) ?? []

/** What `new SessInstrumentation(…)` takes. A wrong option throws `INVALID_OPTION`, which names it. */
export interface SessInstrumentationConfig {
  /** Whether it records from the start. Default `true`. An SDK that it is given to turns it on in any case. */
  enabled?: boolean
  /**
   * Whether each call to the store is a span too. Default `false`: the instrumentation of the store's client, such as
   * that of ioredis, makes spans of the same calls. Their duration is measured in any case.
   */
  storeSpans?: boolean
}

/**
 * Traces, metrics and events of all sessions of this process, from the channels of `@sess/core`. It is an
 * instrumentation of OpenTelemetry: give it to `NodeSDK`, or to `registerInstrumentations`.
 *
 * It never throws into a request. What it could not record, it reports to the `diag` of OpenTelemetry.
 */
export class SessInstrumentation {
  /** `@sess/opentelemetry`: the scope of all that it records. */
  readonly instrumentationName: string = NAME
  /** The version of this package. */
  readonly instrumentationVersion: string = VERSION
  #config: Required<SessInstrumentationConfig>
  #tracer: Tracer = trace.getTracer(NAME, VERSION)
  #metrics = new Metrics(metrics.getMeter(NAME, VERSION))
  #logger: EventLogger | undefined
  #unsubscribe: readonly (() => void)[] = []

  /** Throws `INVALID_OPTION`. */
  constructor(config: SessInstrumentationConfig = {}) {
    this.#config = checked(config)
    if (this.#config.enabled) this.enable()
  }

  /** Records from now on. What is under way is not recorded. Nothing happens if it records already. */
  enable(): void {
    if (this.#unsubscribe.length > 0) return
    this.#unsubscribe = [
      follow('sess.open', (message) => this.#open(message)),
      follow('sess.commit', (message) => this.#commit(message)),
      follow('sess.store', (message) => this.#store(message)),
      listen('tracing:sess.commit:asyncEnd', (message) => this.#committed(message)),
      listen('sess.begin', (message) => this.#begun(message)),
      listen('sess.login', ({ store }) => this.#metrics.logins.add(1, { [STORE]: store })),
      listen('sess.end', (message) => this.#ended(message)),
      listen('sess.conflict', ({ store }) => this.#metrics.conflicts.add(1, { [STORE]: store })),
      listen('sess.migrate', ({ from }) => this.#metrics.takenOver.add(1, { [FROM]: from })),
    ]
  }

  /** Records nothing from now on. */
  disable(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#unsubscribe = []
  }

  /** Makes spans by another provider than the global one. */
  setTracerProvider(provider: TracerProvider): void {
    this.#tracer = provider.getTracer(NAME, VERSION)
  }

  /** Measures by another provider than the global one. */
  setMeterProvider(provider: MeterProvider): void {
    this.#metrics = new Metrics(provider.getMeter(NAME, VERSION))
  }

  /** Sends the events `session.start` and `session.end`. An SDK calls this; without it, no event is sent. */
  setLoggerProvider(provider: EventLoggerProvider): void {
    this.#logger = provider.getLogger(NAME, VERSION)
  }

  /** Replaces the options. Throws `INVALID_OPTION`. `enabled` has no effect here: call `enable` or `disable`. */
  setConfig(config: SessInstrumentationConfig): void {
    this.#config = checked(config)
  }

  /** The options, with the defaults of those that were left out. */
  getConfig(): SessInstrumentationConfig {
    return this.#config
  }

  #open(message: OpenMessage): Operation {
    this.#metrics.startAtZero(message.store)
    return begin({
      name: 'sess.open',
      tracer: this.#tracer,
      duration: this.#metrics.openDuration,
      message,
      facts: () => ({
        measured: { [STORE]: message.store, [OUTCOME]: message.outcome },
        detailed: { [SESSION_ID]: message.id },
      }),
    })
  }

  #commit(message: CommitMessage): Operation {
    return begin({
      name: 'sess.commit',
      tracer: this.#tracer,
      duration: this.#metrics.commitDuration,
      message,
      facts: () => ({
        measured: { [STORE]: message.store, [WORK]: message.work },
        detailed: { [SESSION_ID]: message.id, [ATTEMPTS]: message.attempts, [SIZE]: message.bytes },
      }),
    })
  }

  #committed({ store, id, previous, attempts = 1, error }: CommitMessage): void {
    if (attempts > 1) this.#metrics.commitRetries.add(attempts - 1, { [STORE]: store })
    if (error === undefined && id !== undefined && previous !== undefined)
      this.#logger?.emit(sessionStart(id, previous))
  }

  #store(message: StoreMessage): Operation {
    return begin({
      name: `sess.store.${message.call}`,
      tracer: this.#config.storeSpans ? this.#tracer : undefined,
      duration: this.#metrics.storeDuration,
      message,
      facts: () => ({ measured: { [STORE]: message.store, [CALL]: message.call } }),
    })
  }

  #begun({ store, id }: BeginMessage): void {
    this.#metrics.begun.add(1, { [STORE]: store })
    this.#logger?.emit(sessionStart(id))
  }

  #ended({ store, id, reason }: EndMessage): void {
    this.#metrics.ended.add(1, { [STORE]: store, [REASON]: reason })
    this.#logger?.emit(sessionEnd(id, reason))
  }
}

function checked(config: SessInstrumentationConfig): Required<SessInstrumentationConfig> {
  return readOptions('SessInstrumentation', config, {
    enabled: optional(flag, true),
    storeSpans: optional(flag, false),
  })
}
