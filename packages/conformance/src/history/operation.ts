import type { Version } from '@sess/core/adapter'
import { show } from '../breach.js'

/** When a call was under way, and which client made it. */
interface Span {
  /** Which client made the call. Only the returned text uses it. */
  readonly client: number
  /** The time on a logical clock that goes up with every beginning and every end. */
  readonly began: number
  /** The time on the same clock. It does not bound a failed call, which may still take effect later. */
  readonly ended: number
}

/** The call failed with `UNAVAILABLE`: it took effect once, at any time since it began, or never. */
interface Unavailable {
  readonly kind: 'unavailable'
}
interface Nothing {
  readonly kind: 'null'
}
type Written = { readonly kind: 'version'; readonly version: Version } | Nothing | Unavailable
type Found = { readonly kind: 'stored'; readonly data: string; readonly version: Version } | Nothing | Unavailable
type Destroyed = { readonly kind: 'done' } | Unavailable

/** A call on one key of a store, and its outcome. */
export type Operation = Span &
  (
    | { readonly method: 'create'; readonly data: string; readonly outcome: Written }
    | { readonly method: 'read'; readonly outcome: Found }
    /** `version` is one that occurs in the history, or one that no store makes. */
    | { readonly method: 'update'; readonly data: string; readonly version: Version; readonly outcome: Written }
    | { readonly method: 'destroy'; readonly outcome: Destroyed }
  )

/** One line: the times, the client, the call and its outcome. */
export function describeOperation(operation: Operation): string {
  const { client, began, ended, method, outcome } = operation
  const time = `${began}–${outcome.kind === 'unavailable' ? '' : ended}`
  const version = method === 'update' ? ` ${show(operation.version)} to` : ''
  const data = 'data' in operation ? ` ${show(operation.data)}` : ''
  return `${time.padEnd(7)} client ${client}: ${method}${version}${data} → ${describeOutcome(outcome)}`
}

function describeOutcome(outcome: Operation['outcome']): string {
  switch (outcome.kind) {
    case 'version':
      return `version ${show(outcome.version)}`
    case 'stored':
      return describeEntry(outcome)
    default:
      return outcome.kind
  }
}

export function describeEntry({ data, version }: { readonly data: string; readonly version: Version }): string {
  return `${show(data)} at version ${show(version)}`
}
