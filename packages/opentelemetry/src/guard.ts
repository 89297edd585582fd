import { diag } from '@opentelemetry/api'

/** Runs what a channel calls. Node ends the process when a subscriber throws, and no failure of an exporter may do that. */
export function guard<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    diag.error('@sess/opentelemetry could not record what happened to a session.', error)
    return undefined
  }
}
