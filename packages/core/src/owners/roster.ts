import type { Json } from '../session/values.js'
import { isBefore, type Moment } from './moment.js'

/** Longer than the clocks of two servers differ, in milliseconds. */
const CLOCK_SKEW_MS = 60_000

/** No fence: every login is after it. */
const NO_REVOCATION: Moment = { at: 0, by: '', tick: 0 }

/** How a session is listed. Times are in epoch milliseconds. */
export interface Listed {
  /** Its entry is not kept longer than this. */
  readonly until: number
  /** When it was listed, or this was last renewed: its last use, to one idle timeout. */
  readonly at: number
}

/** Sessions by their keys in the store. */
type Listing = Map<string, Listed>

/**
 * A part of the list of one owner's sessions, as an entry of the store holds it. A session that has begun is listed before
 * its token leaves the process, and stays a member, or condemned, until its entry is dead. A listed session that is dead is
 * harmless. To revoke sessions is to condemn them in one swap; then each is ended, and only then struck off.
 */
export class Roster {
  /** The sessions that may be alive. */
  readonly members: Listing
  /** The sessions that are being ended. They are never members again. */
  readonly condemned: Listing
  /** Until when other rosters of the owner have members, in epoch milliseconds; 0 if there never were any. */
  #shardedUntil: number
  /** When all sessions were last revoked, by the process that came last. A login that began before is refused. */
  #revoked: Moment
  /** The latest revocation by any other process, in epoch milliseconds: the moments of two processes have no common order. */
  #revokedElsewhere: number
  #isChanged = false

  private constructor(
    members: Listing,
    condemned: Listing,
    shardedUntil: number,
    revoked: Moment,
    revokedElsewhere: number,
  ) {
    this.members = members
    this.condemned = condemned
    this.#shardedUntil = shardedUntil
    this.#revoked = revoked
    this.#revokedElsewhere = revokedElsewhere
  }

  static empty(): Roster {
    return new Roster(new Map(), new Map(), 0, NO_REVOCATION, 0)
  }

  /** What `encode` made. `undefined`: something else. */
  static decode(data: string): Roster | undefined {
    let value: unknown
    try {
      value = JSON.parse(data)
    } catch {
      return undefined
    }
    if (!Array.isArray(value)) return undefined
    // It comes from JSON.parse.
    const parts: readonly Json[] = value
    const [members, condemned, shardedUntil, at, by, tick, elsewhere] = parts
    const [listed, ending] = [listingOf(members), listingOf(condemned)]
    if (listed === undefined || ending === undefined) return undefined
    if (typeof shardedUntil !== 'number' || typeof at !== 'number') return undefined
    if (typeof by !== 'string' || typeof tick !== 'number' || typeof elsewhere !== 'number') return undefined
    return new Roster(listed, ending, shardedUntil, { at, by, tick }, elsewhere)
  }

  encode(): string {
    const { at, by, tick } = this.#revoked
    const [members, condemned] = [encoded(this.members), encoded(this.condemned)]
    return JSON.stringify([members, condemned, this.#shardedUntil, at, by, tick, this.#revokedElsewhere])
  }

  copy(): Roster {
    const [members, condemned] = [new Map(this.members), new Map(this.condemned)]
    return new Roster(members, condemned, this.#shardedUntil, this.#revoked, this.#revokedElsewhere)
  }

  /** Whether it was changed since it was made. */
  get isChanged(): boolean {
    return this.#isChanged
  }

  /**
   * Until when it has to be stored: as long as a session is listed, and as long after a revocation (`memory`, in
   * milliseconds) as a login or an unlisted session of before it may come.
   */
  keepUntil(memory: number): number {
    const revokedUntil = this.#revokedAt === 0 ? 0 : this.#revokedAt + memory
    let latest = Math.max(this.#shardedUntil, revokedUntil)
    for (const listing of [this.members, this.condemned])
      for (const { until } of listing.values()) latest = Math.max(latest, until)
    return latest + CLOCK_SKEW_MS
  }

  /** Forgets the sessions that have expired by any server's clock. */
  forgetExpired(now: number): void {
    for (const listing of [this.members, this.condemned])
      for (const [key, { until }] of listing) if (until + CLOCK_SKEW_MS <= now) listing.delete(key)
  }

  /** Whether other rosters of the owner may have members by any server's clock. */
  isSharded(now: number): boolean {
    return this.#shardedUntil + CLOCK_SKEW_MS > now
  }

  /**
   * Says that other rosters of the owner have members until this time. It says so for `more` milliseconds longer, so that
   * not each of their sessions has to change it.
   */
  shard(until: number, more: number): void {
    if (until <= this.#shardedUntil) return
    this.#shardedUntil = until + more
    this.#isChanged = true
  }

  /** Makes a session a member, or one longer, unless it is condemned. */
  list(key: string, listed: Listed): void {
    if (this.condemned.has(key) || (this.members.get(key)?.until ?? 0) >= listed.until) return
    this.members.set(key, listed)
    this.#isChanged = true
  }

  /** Strikes a member off that was dead before, or that another one takes the place of. */
  strike(key: string): void {
    if (this.members.delete(key)) this.#isChanged = true
  }

  condemn(key: string): void {
    const listed = this.members.get(key)
    if (listed === undefined) return
    this.members.delete(key)
    this.condemned.set(key, listed)
    this.#isChanged = true
  }

  /** Strikes off a condemned session that is dead. */
  bury(key: string): void {
    if (this.condemned.delete(key)) this.#isChanged = true
  }

  /** Condemns all members but one, and refuses every login that has begun before. */
  revoke(moment: Moment, except?: string): void {
    for (const key of this.members.keys()) if (key !== except) this.condemn(key)
    this.#isChanged = true
    const last = this.#revoked
    if (moment.by === last.by) {
      // What is stored last may have begun first.
      this.#revoked = { ...last, at: Math.max(last.at, moment.at), tick: Math.max(last.tick, moment.tick) }
    } else {
      this.#revokedElsewhere = this.#revokedAt
      this.#revoked = moment
    }
  }

  /** When all sessions were last revoked, in epoch milliseconds; 0 if they never were. */
  get #revokedAt(): number {
    return Math.max(this.#revoked.at, this.#revokedElsewhere)
  }

  /** Whether all sessions were revoked after this moment. */
  wasRevokedAfter(moment: Moment): boolean {
    return moment.at <= this.#revokedElsewhere || isBefore(moment, this.#revoked)
  }

  /** Whether all sessions were revoked after this time, in epoch milliseconds. */
  wasRevokedSince(time: number): boolean {
    return time <= this.#revokedAt
  }

  /** Condemns the members that were used least recently, so that `most` are left. */
  limit(most: number): void {
    const byUse = [...this.members].toSorted(([, one], [, other]) => one.at - other.at)
    for (const [key] of byUse.slice(0, Math.max(byUse.length - most, 0))) this.condemn(key)
  }
}

/** What the roster under a key has, at a time in epoch milliseconds. */
export interface RosterContent {
  readonly key: string
  readonly members: readonly string[]
  readonly condemned: readonly string[]
  readonly isSharded: boolean
}

export function contentOf(key: string, roster: Roster, now: number): RosterContent {
  const [members, condemned] = [[...roster.members.keys()], [...roster.condemned.keys()]]
  return { key, members, condemned, isSharded: roster.isSharded(now) }
}

function encoded(listing: Listing): readonly (readonly [string, number, number])[] {
  return [...listing].map(([key, { until, at }]) => [key, until, at])
}

function listingOf(value: Json | undefined): Listing | undefined {
  if (!Array.isArray(value)) return undefined
  const parts: readonly Json[] = value
  const listing: Listing = new Map()
  for (const part of parts) {
    if (!Array.isArray(part)) return undefined
    const pair: readonly Json[] = part
    const [key, until, at] = pair
    if (typeof key !== 'string' || typeof until !== 'number' || typeof at !== 'number') return undefined
    listing.set(key, { until, at })
  }
  return listing
}
