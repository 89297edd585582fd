import type { EndReason } from '../observing/messages.js'
import { isSnapshot } from '../storage/entries.js'
import { inLanes } from '../storage/lanes.js'
import type { Lifetime } from '../storage/lifetime.js'
import type { SessionRecord } from '../storage/record.js'
import { nextMoment } from './moment.js'
import type { Owned, OwnedEntries } from './owned-entries.js'
import type { OwnerId, OwnerKey } from './owner-id.js'
import { contentOf, type Roster, type RosterContent } from './roster.js'
import type { Rosters } from './rosters.js'
import { type Shard, shardOf, SHARDS } from './shard.js'

/** How many calls of the store `sessions` and `revoke` have in flight. */
const LANES = 128

interface OwnersContext {
  readonly key: OwnerKey
  /** The most sessions of one owner. */
  readonly maxPerOwner: number | undefined
  readonly entries: OwnedEntries
  readonly rosters: Rosters
  readonly lifetime: Lifetime
  readonly clock: () => number
  /** Called with errors that no request sees. */
  readonly onError: (error: unknown) => void
}

/** The sessions that are listed in a roster if they are not listed yet: all, none, or those of one shard. */
type Newcomers = 'all' | 'none' | Shard

/**
 * All sessions of each owner: lists them and ends them. Who is listed is in rosters (`Roster` says by which rules,
 * `Membership` how a session gets there); what a session holds is in its entry.
 */
export class Owners {
  readonly key: OwnerKey
  readonly #context: OwnersContext

  constructor(context: OwnersContext) {
    this.key = context.key
    this.#context = context
  }

  /** The live sessions, the one used last first. */
  async sessions(owner: OwnerId): Promise<readonly Owned[]> {
    const { entries } = this.#context
    const rosters = await this.#edit(owner, () => undefined)
    await this.#finish(rosters, 'revoked')
    const members = new Set(rosters.flatMap(({ members: listed }) => listed))
    const live = new Map<string, SessionRecord>()
    await inLanes(members, LANES, async (member) => {
      const session = await entries.follow(member, entries.limit())
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
    const ended = await this.#finish(rosters, 'revoked')
    // If it has moved meanwhile, it is listed under another key, and this one has the tombstone.
    const others = await Promise.all(keys.map((key) => this.#context.entries.end(key, 'revoked')))
    return others.reduce((sum, count) => sum + count, ended)
  }

  /** Ends all sessions but the one under this key. Resolves with the number of those that were alive. */
  async revokeAll(owner: OwnerId, exceptKey?: string): Promise<number> {
    const { clock, lifetime } = this.#context
    const except = exceptKey === undefined ? undefined : await this.#alive(owner, exceptKey)
    const moment = nextMoment(clock())
    const rosters = await this.#edit(owner, (roster, newcomers) => {
      roster.revoke(moment, except?.key)
      if (except && (newcomers === 'all' || newcomers === shardOf(except)))
        roster.list(except.key, { until: lifetime.listUntil(except.record), at: moment.at })
    })
    return this.#finish(rosters, 'revoked')
  }

  /**
   * Ends the sessions that are one too many, after one was listed in `newest`. Only the roster under the newest secret has
   * a limit of its own. The sessions in all others were listed before a secret was rotated or a limit was set, so they end
   * first, except those that are in the newest roster as well.
   */
  async keepLimit(owner: OwnerId, newest: RosterContent): Promise<void> {
    const { maxPerOwner, onError } = this.#context
    const others = maxPerOwner === undefined ? [] : await this.#limitOthers(owner, newest, maxPerOwner)
    try {
      await this.#finish([newest, ...others], 'limit')
    } catch (error) {
      // The sessions stay condemned: the next login, list or revocation tries again, and so does their own next extension.
      onError(error)
    }
  }

  async #limitOthers(owner: OwnerId, newest: RosterContent, most: number): Promise<readonly RosterContent[]> {
    const { rosters, entries, clock } = this.#context
    const edited: RosterContent[] = []
    let left = most - newest.members.length
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
  async #finish(rosters: readonly RosterContent[], reason: EndReason): Promise<number> {
    const { entries, rosters: stored } = this.#context
    const condemned = new Set(rosters.flatMap((roster) => roster.condemned))
    let ended = 0
    await inLanes(condemned, LANES, async (key) => {
      const count = await entries.end(key, reason)
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

  async #alive(owner: OwnerId, key: string): Promise<Owned | undefined> {
    const { entries } = this.#context
    const found = await entries.read(key, entries.limit())
    if (!isSnapshot(found) || this.key.ownerOf(found.record.values) !== owner) return undefined
    return { key, record: found.record }
  }
}
