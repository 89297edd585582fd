import { REASON, SESSION_ID } from './attributes.js'

/** An event, as the Logs API of OpenTelemetry takes it. */
export interface EventRecord {
  /** `session.start` or `session.end`. */
  readonly eventName: string
  /** 9, which is `INFO`. */
  readonly severityNumber: number
  /** `session.id`; of a session that moved, `session.previous_id`; of one that ended, `sess.end.reason`. */
  readonly attributes: Readonly<Record<string, string>>
}

/** The part of a logger that is used. */
export interface EventLogger {
  /** Sends an event. */
  emit(record: EventRecord): void
}

/**
 * The part of the Logs API that is used. It is declared here because that API is in `@opentelemetry/api-logs` with one
 * version of the SDK, and in `@opentelemetry/api` with the next.
 */
export interface EventLoggerProvider {
  /** The logger of an instrumentation, by its name and version. */
  getLogger(name: string, version?: string): EventLogger
}

const INFO = 9

/** The event of the semantic conventions that says that a session began, and which one it continues. */
export function sessionStart(id: string, previous?: string): EventRecord {
  const attributes = { [SESSION_ID]: id, ...(previous !== undefined && { 'session.previous_id': previous }) }
  return { eventName: 'session.start', severityNumber: INFO, attributes }
}

/** The event of the semantic conventions that says that a session ended. */
export function sessionEnd(id: string, reason: string): EventRecord {
  return { eventName: 'session.end', severityNumber: INFO, attributes: { [SESSION_ID]: id, [REASON]: reason } }
}
