import type { Token, TokenMint } from '../crypto/token.js'
import type { Membership } from '../owners/membership.js'
import type { Owned } from '../owners/owned-entries.js'
import { noteAttempt, noteStored } from '../observing/commit-report.js'
import { applyToMoved } from './apply.js'
import { type Found, isSnapshot, isTombstone, type SessionEntries, type Snapshot } from './entries.js'
import { type Commit, isOwned, type StorageContext } from './loaded-session.js'
import type { SessionRecord, Tombstone } from './record.js'
import { isSessError } from '../error.js'
import { retryUrgently } from './retry.js'
import { type Departure, ended, type Swaps } from './swaps.js'
import type { TimeLimit } from './time-limit.js'

/** How the sessions of one application are stored in a server store. */
export interface ServerStorageContext extends StorageContext {
  readonly mint: TokenMint
  readonly entries: SessionEntries
  readonly swaps: Swaps
  /** `undefined`: sessions have no owners. */
  readonly membership: Membership | undefined
}

/** A session as it was last read or stored, and the token that opens it. */
export interface StoredSession {
  readonly token: Token
  readonly snapshot: Snapshot
}

/**
 * Moves a session to a new token. Resolves with the session there, or with how it left its key before.
 *
 * Creating the new entry and then destroying the old one would lose what another request writes in between, and would
 * let that request bring the session back under the old token. So the new entry is created first. Then the old entry
 * becomes a tombstone. If it has changed meanwhile, it is read and buried again, and the new entry gets what it held:
 * no one can read that entry before, since the new token has not been sent.
 */
export async function move(
  context: ServerStorageContext,
  key: string,
  from: Snapshot,
  commit: Commit,
  limit: TimeLimit,
): Promise<StoredSession | Departure> {
  const { mint, entries, membership, clock, onConflict } = context
  const { opened } = commit
  const now = clock()
  const token = mint.make()
  const first = entries.isAlive(from) ? from : await entries.read(key, limit)
  if (!isSnapshot(first)) return departureOf(first)
  const applied = (old: Snapshot): SessionRecord => {
    const record = applyToMoved(old.record, commit, now, onConflict)
    return membership === undefined ? record : membership.placed({ key, record: old.record }, record)
  }
  const begun = applied(first)
  // A session that is no longer its user's shows nothing of theirs under the old token.
  const isLeft = isOwned(context, first.record) && !isOwned(context, begun)
  const seating = membership && opened && membership.seat(first.record, begun, opened, limit)
  // It is awaited below, unless the entry cannot be created.
  seating?.catch(() => undefined)
  const creating = entries.create(token.key, begun, limit)
  let snapshot = await (first === from ? creating : limit.bound(creating))
  let mayBeBuried = false
  let isRefused = false
  try {
    const seat = await seating
    let old: Found = first
    const record = await retryUrgently(limit, async () => {
      if (!isSnapshot(old)) return departureOf(old)
      const next = old === first ? snapshot.record : applied(old)
      // Whatever refuses the changes must do so before the old entry is buried.
      if (next !== snapshot.record) entries.encode(next)
      limit.prolong()
      mayBeBuried = true
      noteAttempt(commit.report)
      const isMarked = isLeft ? entries.end(key, old, true, limit) : entries.bury(key, old, token.key, limit)
      if (await isMarked) return next
      mayBeBuried = false
      old = await entries.read(key, limit)
      // This move's own tombstone: it was written, although the store reported otherwise.
      return isTombstone(old) && old.moved?.to === token.key ? next : undefined
    })
    if (typeof record === 'string') {
      await abandon(context, token)
      return record
    }
    if (record !== snapshot.record) {
      const updated = await entries.update(token.key, record, snapshot.version, entries.limit())
      if (updated === null) throw ended()
      snapshot = updated
    }
    if (membership && opened) {
      const to: Owned = { key: token.key, record: snapshot.record }
      const login = { opened, isLogin: commit.changes.size > 0 }
      try {
        await membership.move({ key, record: first.record }, to, seat, login, entries.limit())
      } catch (error) {
        isRefused = isSessError(error) && error.code === 'CONFLICT'
        throw error
      }
    }
    noteStored(commit.report, snapshot.data)
    return { token, snapshot }
  } catch (error) {
    if (isRefused) await expel(context, { token, snapshot }, first.record.id)
    // The tombstone names the new entry, which holds what its readers are shown.
    else if (!mayBeBuried) await abandon(context, token)
    throw error
  }
}

/** Ends a session that was revoked while it moved. Whoever revoked it may have ended it already, and told so. */
async function expel(context: ServerStorageContext, { token, snapshot }: StoredSession, id: string): Promise<void> {
  const { entries, observer } = context
  const isEnded = await entries.end(token.key, snapshot, false, entries.limit()).catch(() => false)
  if (isEnded) observer.ended(id, 'revoked')
  await abandon(context, token)
}

/** Removes an entry that no browser has a token for. If that fails, the entry expires on its own. */
export async function abandon({ entries }: ServerStorageContext, token: Token): Promise<void> {
  await entries.destroy(token.key, entries.limit()).catch(() => undefined)
}

function departureOf(found: Tombstone | 'none'): Departure {
  return found === 'none' ? 'ended' : 'moved'
}
