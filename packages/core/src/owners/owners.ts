import { isSessError, SessError } from '../error.js'
import { type Found, isSnapshot, isTombstone, type SessionEntries, type Snapshot } from '../storage/entries.js'
import { inLanes } from '../storage/lanes.js'
import type { Lifetime } from '../storage/lifetime.js'
import { placed, shardPlaceOf, type SessionRecord } from '../storage/record.js'
import { retryUrgently } from '../storage/retry.js'
import type { TimeLimit } from '../storage/time-limit.js'
import { type Moment, nextMoment } from './moment.js'
import type { OwnerId, OwnerKey } from './owner-id.js'
import type { Listed, Roster } from './roster.js'
import type { FoundRoster, Rosters } from './rosters.js'
import { shardOf, SHARDS } from './shard.js'

/** The most members of an owner's first roster. Beyond that, sessions are listed in shards. */
const MOST_IN_ROOT = 64
/** How many calls of the store `sessions` and `revoke` have in flight. */
const LANES = 128

interface OwnersContext {
  readonly key: OwnerKey
  /** The most sessions of one owner. */
  readonly maxPerOwner: number | undefined
  readonly entries: SessionEntries
  readonly rosters: Rosters
  readonly lifetime: Lifetime
  readonly clock: () => number
  /** Called with errors that no request sees. */
  readonly onError: (error: unknown) => void
}

/** A session, and the key that it is stored under. */
export interface Owned {
  readonly key: string
  readonly record: SessionRecord
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
 * The sessions of each owner. What is listed under whom is in rosters (`Roster` says by which rules); what a session holds
 * is in its entry. A session is listed after its entry was stored and before its token leaves the process. It is extended
 * only after its listing was, so no entry outlives its listing.
 */
export class Owners {
  readonly key: OwnerKey
  readonly #context: OwnersContext

  constructor(context: OwnersContext) {
    this.key = context.key
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
    const owner = this.key.ownerOf(to.values)
    if (owner === undefined || (from && this.key.ownerOf(from.values) === owner)) return undefined
    const found = await this.#context.rosters.look(this.#newestRoot(owner), limit)
    if (found.roster.wasRevokedAfter(opened)) throw revokedMeanwhile()
    return { owner, found }
  }

  /** Lists a session that has begun. Throws `CONFLICT` if the user's sessions were revoked since `opened`. */
  async begin({ owner, found }: Seat, session: Owned, opened: Moment, limit: TimeLimit): Promise<void> {
    await this.#list(owner, session, limit, (roster) => roster.wasRevokedAfter(opened), found)
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
    const owner = this.key.ownerOf(to.record.values)
    if (seat === undefined && owner !== undefined) return this.#replace(owner, from, to, login, limit)
    if (seat) await this.begin(seat, to, login.opened, limit)
    await this.leave(from)
  }

  /** The record of a session under its new key: with the same owner as before, it keeps its place in the list. */
  placed(from: Owned, to: SessionRecord): SessionRecord {
    const [before, after] = [from.record, to].map(({ values }) => this.key.ownerOf(values))
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
    if ((await this.#read(to.key, limit)) === 'none') throw revokedMeanwhile()
  }

  /**
   * Keeps a session listed for as long as its entry is about to be kept. Resolves with `false` if it was revoked: then it
   * has ended.
   */
  async extend(session: Owned, limit: TimeLimit): Promise<boolean> {
    const owner = this.key.ownerOf(session.record.values)
    if (owner === undefined) return true
    const needed = this.#context.lifetime.keepUntil(session.record)
    const { standing, root } = await this.#find(owner, session, limit, (roster) => {
      if ((roster.members.get(session.key)?.until ?? 0) < needed) roster.list(session.key, this.#listed(session.record))
    })
    try {
      if (standing === 'member') {
        await this.#renew(owner, session, root, limit)
        return true
      }
      // The roster was lost, or the session is older than the option `owner`. One that has left its key must not be listed
      // under it: that would count towards `maxPerOwner`, and whoever ends it would end what it has moved to.
      if (standing === 'unlisted') {
        if (!isSnapshot(await this.#read(session.key, limit))) return false
        await this.#list(owner, session, limit, (roster) => roster.wasRevokedSince(session.record.startedAt))
        return true
      }
    } catch (error) {
      if (!isSessError(error) || error.code !== 'CONFLICT') throw error
    }
    await this.#end(session.key)
    return false
  }

  /** Strikes off a session that has ended, or has another owner. If that fails, a dead session is listed: no harm. */
  async leave(session: Owned): Promise<void> {
    const owner = this.key.ownerOf(session.record.values)
    if (owner === undefined) return
    const limit = this.#context.entries.limit()
    await this.#find(owner, session, limit, (roster) => roster.strike(session.key)).catch(() => undefined)
  }

  /** The live sessions, the one used last first. */
  async sessions(owner: OwnerId): Promise<readonly Owned[]> {
    const { entries } = this.#context
    const rosters = await this.#edit(owner, () => undefined)
    await this.#finish(rosters)
    const members = new Set(rosters.flatMap(({ members: listed }) => listed))
    const live = new Map<string, SessionRecord>()
    await inLanes(members, LANES, async (member) => {
      const session = await this.#follow(member, entries.limit())
      if (session && this.key.ownerOf(session.record.values) === owner) live.set(session.key, session.record)
    })
    const sessions = [...live].map(([key, record]) => ({ key, record }))
    return sessions.toSorted((one, other) => other.record.touchedAt - one.record.touchedAt)
  }

  /** Ends the session of that public name. Resolves with the number of those that were alive. */
  async revokeOne(owner: OwnerId, id: string): Promise<number> {
    const keys = (await this.sessions(owner)).filter(({ record }) => record.id === id).map(({ key }) => key)
    if (keys.length === 0) return 0
    const rosters = await this.#edit(owner, (roster) => {
      for (const key of keys) roster.condemn(key)
    })
    const ended = await this.#finish(rosters)
    // If it has moved meanwhile, it is listed under another key, and this one has the tombstone.
    const others = await Promise.all(keys.map((key) => this.#end(key)))
    return others.reduce((sum, count) => sum + count, ended)
  }

  /** Ends all sessions but the one under this key. Resolves with the number of those that were alive. */
  async revokeAll(owner: OwnerId, exceptKey?: string): Promise<number> {
    const { clock, entries } = this.#context
    const except = exceptKey === undefined ? undefined : await this.#alive(owner, exceptKey, entries.limit())
    const moment = nextMoment(clock())
    const listed = except && this.#listed(except.record)
    const rosters = await this.#edit(owner, (roster, newcomers) => {
      roster.revoke(moment, except?.key)
      if (except && listed && (newcomers === 'all' || newcomers === shardOf(except))) roster.list(except.key, listed)
    })
    return this.#finish(rosters)
  }

  /**
   * Applies an edit to all rosters of an owner: those of each secret, and their shards. `newcomers` says which sessions that are
   * not listed yet belong into the roster.
   */
  async #edit(owner: OwnerId, edit: (roster: Roster, newcomers: Newcomers) => void): Promise<readonly RosterContent[]> {
    const { rosters, entries, clock } = this.#context
    const edited: RosterContent[] = []
    const editOne = async (key: string, newcomersOf: (isSharded: boolean) => Newcomers): Promise<RosterContent> => {
      const content = await rosters.edit(key, entries.limit(), (roster) => {
        edit(roster, newcomersOf(roster.isSharded(clock())))
        return contentOf(key, roster, clock())
      })
      edited.push(content)
      return content
    }
    // The newest last, since sessions go over to it.
    for (const [age, root] of [...this.key.rosterKeys(owner).entries()].toReversed()) {
      const isNewest = age === 0
      const { isSharded } = await editOne(root, (sharded) => (isNewest && !sharded ? 'all' : 'none'))
      if (isSharded)
        await inLanes(SHARDS, SHARDS.length, (shard) => editOne(`${root}${shard}`, () => (isNewest ? shard : 'none')))
    }
    return edited
  }

  /** Ends the condemned sessions of rosters, and strikes them off. Resolves with the number of those that were alive. */
  async #finish(rosters: readonly RosterContent[]): Promise<number> {
    const { entries, rosters: stored } = this.#context
    const condemned = new Set(rosters.flatMap((roster) => roster.condemned))
    let ended = 0
    await inLanes(condemned, LANES, async (key) => {
      const count = await this.#end(key)
      ended += count
    })
    await inLanes(
      rosters.filter((roster) => roster.condemned.length > 0),
      LANES,
      async ({ key, condemned: dead }) =>
        stored.edit(key, entries.limit(), (roster) => {
          for (const session of dead) roster.bury(session)
        }),
    )
    return ended
  }

  async #list(
    owner: OwnerId,
    session: Owned,
    limit: TimeLimit,
    isRefused: (roster: Roster) => boolean,
    from?: FoundRoster,
  ): Promise<void> {
    const { rosters, lifetime, clock, maxPerOwner } = this.#context
    const root = this.#newestRoot(owner)
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
    else await this.#finishQuietly(await this.#limitOthers(owner, done))
  }

  /**
   * Before a secret was rotated, or a limit was set, sessions were listed elsewhere. Those go first, but for those that are
   * listed again.
   */
  async #limitOthers(owner: OwnerId, newest: RosterContent): Promise<readonly RosterContent[]> {
    const { maxPerOwner, rosters, entries, clock } = this.#context
    const edited = [newest]
    if (maxPerOwner === undefined) return edited
    let left = maxPerOwner - newest.members.length
    const limit = async (key: string): Promise<RosterContent> => {
      const content = await rosters.edit(key, entries.limit(), (roster) => {
        for (const member of newest.members) roster.strike(member)
        roster.limit(left)
        return contentOf(key, roster, clock())
      })
      left -= content.members.length
      edited.push(content)
      return content
    }
    for (const root of this.key.rosterKeys(owner)) {
      const { isSharded } = root === newest.key ? newest : await limit(root)
      if (isSharded) for (const shard of SHARDS) await limit(`${root}${shard}`)
    }
    return edited
  }

  /** The sessions stay condemned: the next login, list or revocation tries again, and so does their own next extension. */
  async #finishQuietly(rosters: readonly RosterContent[]): Promise<void> {
    try {
      await this.#finish(rosters)
    } catch (error) {
      this.#context.onError(error)
    }
  }

  /** Looks for a session in its owner's rosters, and applies an edit to the one that has it as a member. */
  async #find(owner: OwnerId, session: Owned, limit: TimeLimit, edit: (roster: Roster) => void): Promise<Place> {
    for (const root of this.key.rosterKeys(owner)) {
      const standing = await this.#findUnder(root, session, limit, edit)
      if (standing !== 'unlisted') return { standing, root }
    }
    return { standing: 'unlisted', root: this.#newestRoot(owner) }
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
    if (listedUnder === this.#newestRoot(owner)) return
    const { startedAt } = session.record
    // A revocation reads the lists one after the other. What it has not found in the newest one must not come there now.
    await this.#list(owner, session, limit, (roster) => roster.wasRevokedSince(startedAt))
    await this.#findUnder(listedUnder, session, limit, (roster) => roster.strike(session.key))
  }

  #newestRoot(owner: OwnerId): string {
    const [root] = this.key.rosterKeys(owner)
    if (root === undefined) throw new TypeError('A keyring has at least one key.')
    return root
  }

  /** It is listed for longer than its entry is kept, so that not each extension has to extend the listing. */
  #listed(record: SessionRecord): Listed {
    const { lifetime, clock } = this.#context
    return { until: lifetime.keepUntil(record) + lifetime.idleOf(record), at: clock() }
  }

  /**
   * The session that is stored under a key, or that moved from there. However often it has moved: each move takes more calls
   * than it takes to follow it, so a session that never stops is caught up with.
   */
  async #follow(key: string, limit: TimeLimit): Promise<Owned | undefined> {
    let at: string | undefined = key
    while (at !== undefined) {
      const found: Found = await this.#read(at, limit)
      if (isSnapshot(found)) return { key: at, record: found.record }
      at = isTombstone(found) ? found.moved?.to : undefined
    }
    return undefined
  }

  async #alive(owner: OwnerId, key: string, limit: TimeLimit): Promise<Owned | undefined> {
    const found = await this.#read(key, limit)
    if (!isSnapshot(found) || this.key.ownerOf(found.record.values) !== owner) return undefined
    return { key, record: found.record }
  }

  /** Ends the session under a key, wherever and however often it has moved. Resolves with 1 if it was alive, else with 0. */
  async #end(key: string): Promise<0 | 1> {
    let at: string | undefined = key
    while (at !== undefined) {
      const outcome: 'ended' | 'none' | { readonly to: string } = await this.#endAt(at)
      if (outcome === 'ended') return 1
      at = outcome === 'none' ? undefined : outcome.to
    }
    return 0
  }

  #endAt(key: string): Promise<'ended' | 'none' | { readonly to: string }> {
    const { entries } = this.#context
    const limit = entries.limit()
    return retryUrgently(limit, async () => {
      const found = await this.#read(key, limit)
      if (isSnapshot(found)) return (await this.#mark(key, found, limit)) ? 'ended' : undefined
      const to = isTombstone(found) ? found.moved?.to : undefined
      if (to !== undefined) return { to }
      // It has expired by this server's clock, but a server whose clock is behind may still accept it.
      await entries.destroy(key, limit)
      return 'none'
    })
  }

  #mark(key: string, found: Snapshot, limit: TimeLimit): Promise<boolean> {
    return this.#context.entries.end(key, found, false, limit)
  }

  /** What is not a session opens nothing, so it is as good as nothing. */
  async #read(key: string, limit: TimeLimit): Promise<Found> {
    try {
      return await this.#context.entries.read(key, limit)
    } catch (error) {
      if (isSessError(error) && error.code === 'CORRUPT') return 'none'
      throw error
    }
  }
}

/** What a roster has after an edit. */
interface RosterContent {
  readonly key: string
  readonly members: readonly string[]
  readonly condemned: readonly string[]
  readonly isSharded: boolean
}

/** The sessions that are listed in a roster if they are not listed yet: all, none, or those of one shard. */
type Newcomers = 'all' | 'none' | `-${string}`

function contentOf(key: string, roster: Roster, now: number): RosterContent {
  const [members, condemned] = [[...roster.members.keys()], [...roster.condemned.keys()]]
  return { key, members, condemned, isSharded: roster.isSharded(now) }
}

function revokedMeanwhile(): SessError {
  return new SessError(
    'CONFLICT',
    "The user's sessions were revoked while this request was under way, so it neither logs in nor moves the session. Log in again.",
  )
}
