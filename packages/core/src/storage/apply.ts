import { type ConflictPolicy, merge } from '../session/merge.js'
import type { Lifetime } from './lifetime.js'
import type { Commit } from './loaded-session.js'
import { loggedIn, newRecord, remembered, withMaxAge, type SessionRecord } from './record.js'

/** The part of a commit that its record depends on. */
type Changed = Pick<Commit, 'changes' | 'shown' | 'id' | 'remember' | 'maxAge'>

/**
 * The newest record with the changes of a commit, and extended, unless `lifetime` is left out. Throws `CONFLICT` by the
 * rules of `merge`.
 */
export function apply(
  newest: SessionRecord,
  { changes, shown, maxAge }: Changed,
  now: number,
  { lifetime, onConflict }: { readonly lifetime: Lifetime | undefined; readonly onConflict: ConflictPolicy },
): SessionRecord {
  const aged = withMaxAge(newest, maxAge)
  return { ...(lifetime?.extend(aged, now) ?? aged), values: merge(newest.values, shown, changes, onConflict) }
}

/**
 * The record under a new token of a session that moves, with the changes of a commit. A login (it has changes) restarts
 * both timeouts. A bare `regenerate` restarts the idle timeout alone: otherwise a stolen session that renews itself would
 * never end.
 */
export function applyToMoved(
  old: SessionRecord,
  { changes, shown, id, remember, maxAge }: Changed,
  now: number,
  onConflict: ConflictPolicy,
): SessionRecord {
  const fresh = newRecord(now, merge(old.values, shown, changes, onConflict), id)
  const isLogin = changes.size > 0
  const record = isLogin ? fresh : { ...fresh, startedAt: old.startedAt }
  if (old.further === undefined) return withMaxAge(remembered(record, remember), maxAge)
  const further = isLogin ? loggedIn(old.further) : old.further
  return withMaxAge(remembered({ ...record, further }, remember), maxAge)
}

/** The record of a new session that has the changes of a commit. Throws `CONFLICT` by the rules of `merge`. */
export function applyToNew(
  { changes, shown, id, remember, maxAge }: Changed,
  now: number,
  onConflict: ConflictPolicy,
): SessionRecord {
  return withMaxAge(remembered(newRecord(now, merge({}, shown, changes, onConflict), id), remember), maxAge)
}
