import { type ConflictPolicy, merge } from '../session/merge.js'
import type { Lifetime } from './lifetime.js'
import type { Commit } from './loaded-session.js'
import { newRecord, type SessionRecord } from './record.js'

/** The part of a commit that its record depends on. */
type Changed = Pick<Commit, 'changes' | 'shown' | 'id'>

/** The newest record, extended and with the changes of a commit. Throws `CONFLICT` by the rules of `merge`. */
export function apply(
  newest: SessionRecord,
  { changes, shown }: Changed,
  now: number,
  { lifetime, onConflict }: { readonly lifetime: Lifetime; readonly onConflict: ConflictPolicy },
): SessionRecord {
  return { ...lifetime.extend(newest, now), values: merge(newest.values, shown, changes, onConflict) }
}

/**
 * The record under a new token of a session that moves, with the changes of a commit. A login (it has changes) restarts
 * both timeouts. A bare `regenerate` restarts the idle timeout alone: otherwise a stolen session that renews itself would
 * never end.
 */
export function applyToMoved(
  old: SessionRecord,
  { changes, shown, id }: Changed,
  now: number,
  onConflict: ConflictPolicy,
): SessionRecord {
  const fresh = newRecord(now, merge(old.values, shown, changes, onConflict), id)
  const record = changes.size > 0 ? fresh : { ...fresh, startedAt: old.startedAt }
  return old.further === undefined ? record : { ...record, further: old.further }
}

/** The record of a new session that has the changes of a commit. Throws `CONFLICT` by the rules of `merge`. */
export function applyToNew({ changes, shown, id }: Changed, now: number, onConflict: ConflictPolicy): SessionRecord {
  return newRecord(now, merge({}, shown, changes, onConflict), id)
}
