import type { CommitMessage, Growing } from './messages.js'

/** What is noted about a commit while it is being stored. `undefined`: nobody has subscribed. */
export type CommitReport = Growing<Pick<CommitMessage, 'id' | 'attempts' | 'bytes'>> | undefined

/** Notes that a compare-and-swap of the session's entry is tried. */
export function noteAttempt(report: CommitReport): void {
  if (report) report.attempts = (report.attempts ?? 0) + 1
}

/** Notes what was stored. */
export function noteStored(report: CommitReport, data: string): void {
  if (report) report.bytes = Buffer.byteLength(data)
}
