import { isSessError, SessError } from '../error.js'
import { isSnapshot } from '../storage/entries.js'
import type { Lifetime } from '../storage/lifetime.js'
import { placed, shardPlaceOf, type SessionRecord } from '../storage/record.js'
import type { TimeLimit } from '../storage/time-limit.js'
import type { Moment } from './moment.js'
import type { Owned, OwnedEntries } from './owned-entries.js'
import type { OwnerId, OwnerKey } from './owner-id.js'
import type { Owners } from './owners.js'
import { contentOf, type Listed, type Roster, type RosterContent } from './roster.js'
import type { FoundRoster, Rosters } from './rosters.js'
import { shardOf } from './shard.js'

/** The most members of an owner's first roster. Beyond that, sessions are listed in shards. */
const MOST_IN_ROOT = 64

interface MembershipContext {
  readonly key: OwnerKey
  /** The most sessions of one owner. */
  readonly maxPerOwner: number | undefined
  readonly owners: Owners
  readonly entries: OwnedEntries
  readonly rosters: Rosters
  readonly lifetime: Lifetime
  readonly clock: () => number
}

/** An owner's first roster, as it was at the start of a login. */
export interface Seat {
  readonly owner: OwnerId
  readonly found: FoundRoster
}

/** How a session stands in a roster. */
type Standing = 'member' | 'condemned' | 'unlisted'

/** How a session stands, and the first roster of the secret that it was found under. */
interface Place {
  readonly standing: Standing
  readonly root: string
}

/**
 * How one session becomes a member of its owner's list, stays one, and leaves. It is listed after its entry was stored and
 * before its token leaves the process. It is extended only after its listing was, so no entry outlives its listing.
 */
export class Membership {
  readonly #context: MembershipContext

  constructor(context: MembershipContext) {
    this.#context = context
  }

  /**
   * Reads the list that a session is about to enter: one that begins, or changes its owner. `undefined`: it enters none.
   * Throws `CONFLICT` if a login that began at `opened` would be refused.
   */
  async seat(
    from: SessionRecord | undefined,
    to: SessionRecord,
    opened: Moment,
    limit: TimeLimit,
  ): Promise<Seat | undefined> {
    const { key, rosters } = this.#context
    const owner = key.ownerOf(to.values)
    if (owner === undefined || (from && key.ownerOf(from.values) === owner)) return undefined
    const found = await rosters.look(key.newestRosterKey(owner), limit)
    if (found.roster.wasRevokedAfter(opened)) throw revokedMeanwhile()
    return { owner, found }
  }

  /** Lists a session that has begun. Throws `CONFLICT` if the user's sessions were revoked since `opened`. */
  async begin({ owner, found }: Seat, session: Owned, opened: Moment, limit: TimeLimit): Promise<void> {
    await this.#list(owner, session, limit, (roster) => roster.wasRevokedAfter(opened), found)
  }

  /**
   * Lists a session of another library. Nobody knows when its user logged in there, so it throws `CONFLICT` if the user's
   * sessions were revoked at any time that is remembered.
   */
  async takeOver(session: Owned, limit: TimeLimit): Promise<void> {
    const owner = this.#ownerOf(session.record)
    if (owner !== undefined) await this.#list(owner, session, limit, (roster) => roster.wasRevokedSince(1))
  }

  /**
   * Lists a session that has moved under its new key. With the same owner as before, it takes the place of the old key;
   * throws `CONFLICT` if that was revoked. `isLogin`: the user has shown credentials since `opened`.
   */
  async move(
    from: Owned,
    to: Owned,
    seat: Seat | undefined,
    login: { readonly opened: Moment; readonly isLogin: boolean },
    limit: TimeLimit,
  ): Promise<void> {
    const owner = this.#ownerOf(to.record)
    if (seat === undefined && owner !== undefined) return this.#replace(owner, from, to, login, limit)
    if (seat) await this.begin(seat, to, login.opened, limit)
    await this.leave(from)
  }

  /** The record of a session under its new key: with the same owner as before, it keeps its place in the list. */
  placed(from: Owned, to: SessionRecord): SessionRecord {
    const [before, after] = [this.#ownerOf(from.record), this.#ownerOf(to)]
    return placed(
      to,
      after !== undefined && after === before ? (shardPlaceOf(from.record) ?? from.key.slice(0, 1)) : undefined,
    )
  }

  async #replace(
    owner: OwnerId,
    from: Owned,
    to: Owned,
    { opened, isLogin }: { readonly opened: Moment; readonly isLogin: boolean },
    limit: TimeLimit,
  ): Promise<void> {
    const listed = this.#listed(to.record)
    const { standing, root } = await this.#find(owner, from, limit, (roster) => {
      roster.strike(from.key)
      roster.list(to.key, listed)
    })
    if (standing === 'condemned') throw revokedMeanwhile()
    if (standing === 'member') return this.#renew(owner, to, root, limit)
    await this.#list(owner, to, limit, (roster) =>
      isLogin ? roster.wasRevokedAfter(opened) : roster.wasRevokedSince(from.record.startedAt),
    )
    // A revoker strikes the old session off only after it has ended the new one.
    if ((await this.#context.entries.read(to.key, limit)) === 'none') throw revokedMeanwhile()
  }

  /**
   * Keeps a session listed for as long as its entry is about to be kept. Resolves with `false` if it was revoked: then it
   * has ended.
   */
  async extend(session: Owned, limit: TimeLimit): Promise<boolean> {
    const owner = this.#ownerOf(session.record)
    if (owner === undefined) return true
    const { entries, lifetime } = this.#context
    const needed = lifetime.keepUntil(session.record)
    const { standing, root } = await this.#find(owner, session, limit, (roster) => {
      if ((roster.members.get(session.key)?.until ?? 0) < needed) roster.list(session.key, this.#listed(session.record))
    })
    try {
      if (standing === 'member') {
        await this.#renew(owner, session, root, limit)
        return true
      }
      // The roster was lost, or the session is older than the option `owner`. A session that has left this key is not listed
      // under it again: it would count twice towards `maxPerOwner`, and ending the old key would end the session.
      if (standing === 'unlisted') {
        if (!isSnapshot(await entries.read(session.key, limit))) return false
        await this.#list(owner, session, limit, (roster) => roster.wasRevokedSince(session.record.startedAt))
        return true
      }
    } catch (error) {
      if (!isSessError(error) || error.code !== 'CONFLICT') throw error
    }
    await entries.end(session.key, 'revoked')
    return false
  }

  /** Strikes off a session that has ended, or has another owner. If that fails, a dead session is listed: no harm. */
  async leave(session: Owned): Promise<void> {
    const owner = this.#ownerOf(session.record)
    if (owner === undefined) return
    const limit = this.#context.entries.limit()
    await this.#find(owner, session, limit, (roster) => roster.strike(session.key)).catch(() => undefined)
  }

  async #list(
    owner: OwnerId,
    session: Owned,
    limit: TimeLimit,
    isRefused: (roster: Roster) => boolean,
    from?: FoundRoster,
  ): Promise<void> {
    const { key, owners, rosters, lifetime, clock, maxPerOwner } = this.#context
    const root = key.newestRosterKey(owner)
    const listed = this.#listed(session.record)
    const idle = lifetime.idleOf(session.record)
    const list = (roster: Roster, canShard: boolean): RosterContent | 'sharded' => {
      if (isRefused(roster)) throw revokedMeanwhile()
      if (canShard && (roster.members.size >= MOST_IN_ROOT || roster.isSharded(clock()))) {
        roster.shard(listed.until, idle)
        return 'sharded'
      }
      roster.list(session.key, listed)
      if (maxPerOwner !== undefined) roster.limit(maxPerOwner)
      return contentOf(root, roster, clock())
    }
    // With a limit, all sessions are in one roster, so that the least recently used one can be found there.
    const done = await rosters.edit(root, limit, (roster) => list(roster, maxPerOwner === undefined), from)
    if (done === 'sharded') await rosters.edit(`${root}${shardOf(session)}`, limit, (roster) => list(roster, false))
    else await owners.keepLimit(owner, done)
  }

  /** Looks for a session in its owner's rosters, and applies an edit to the one that has it as a member. */
  async #find(owner: OwnerId, session: Owned, limit: TimeLimit, edit: (roster: Roster) => void): Promise<Place> {
    const { key } = this.#context
    for (const root of key.rosterKeys(owner)) {
      const standing = await this.#findUnder(root, session, limit, edit)
      if (standing !== 'unlisted') return { standing, root }
    }
    return { standing: 'unlisted', root: key.newestRosterKey(owner) }
  }

  /** As `find`, in the rosters of one secret. */
  async #findUnder(root: string, session: Owned, limit: TimeLimit, edit: (roster: Roster) => void): Promise<Standing> {
    const { rosters, clock, lifetime } = this.#context
    const needed = lifetime.keepUntil(session.record)
    const idle = lifetime.idleOf(session.record)
    const stand = (roster: Roster): Standing => {
      if (roster.condemned.has(session.key)) return 'condemned'
      if (!roster.members.has(session.key)) return 'unlisted'
      edit(roster)
      return 'member'
    }
    const standing = await rosters.edit(root, limit, (roster) => {
      const inRoot = stand(roster)
      if (inRoot !== 'unlisted' || !roster.isSharded(clock())) return inRoot
      roster.shard(needed, idle)
      return 'sharded'
    })
    return standing === 'sharded' ? rosters.edit(`${root}${shardOf(session)}`, limit, stand) : standing
  }

  /**
   * Lists a session under the newest secret, with which its token is made: once the older one is removed, nobody looks under
   * it. It stays listed under the older one until then. Throws `CONFLICT` if it was revoked.
   */
  async #renew(owner: OwnerId, session: Owned, listedUnder: string, limit: TimeLimit): Promise<void> {
    if (listedUnder === this.#context.key.newestRosterKey(owner)) return
    const { startedAt } = session.record
    // A revocation reads the lists one after the other. What it has not found in the newest one must not come there now.
    await this.#list(owner, session, limit, (roster) => roster.wasRevokedSince(startedAt))
    await this.#findUnder(listedUnder, session, limit, (roster) => roster.strike(session.key))
  }

  #ownerOf(record: SessionRecord): OwnerId | undefined {
    return this.#context.key.ownerOf(record.values)
  }

  #listed(record: SessionRecord): Listed {
    const { lifetime, clock } = this.#context
    return { until: lifetime.listUntil(record), at: clock() }
  }
}

function revokedMeanwhile(): SessError {
  return new SessError(
    'CONFLICT',
    "The user's sessions were revoked while this request was under way, so it neither logs in nor moves the session. Log in again.",
  )
}
