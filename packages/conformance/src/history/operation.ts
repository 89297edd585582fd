import type { Version } from '@sess/core/adapter'
import { show } from '../breach.js'

/** When, and by whom. */
interface Span {
  /** Who made the call: for the story alone. */
  readonly client: number
  /** By one logical clock, which goes up with every beginning and every end. */
  readonly began: number
  /** By the same clock. Of a call that failed it bounds nothing: what was asked for may still come to pass. */
  readonly ended: number
}

/** The call failed `UNAVAILABLE`: it took effect once, at any time since it began, or never. */
interface Unavailable {
  readonly kind: 'unavailable'
}
interface Nothing {
  readonly kind: 'null'
}
type Written = { readonly kind: 'version'; readonly version: Version } | Nothing | Unavailable
type Found = { readonly kind: 'stored'; readonly data: string; readonly version: Version } | Nothing | Unavailable
type Destroyed = { readonly kind: 'done' } | Unavailable

/** A call on one key of a store, and what came of it. */
export type Operation = Span &
  (
    | { readonly method: 'create'; readonly data: string; readonly outcome: Written }
    | { readonly method: 'read'; readonly outcome: Found }
    /** `version` is one that the history tells, or one that no store makes. */
    | { readonly method: 'update'; readonly data: string; readonly version: Version; readonly outcome: Written }
    | { readonly method: 'destroy'; readonly outcome: Destroyed }
  )

/** On one line: when, who, what, and what came of it. */
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
