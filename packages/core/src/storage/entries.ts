import type { Entry, ServerStore, Version } from '../contract.js'
import { SessError } from '../error.js'
import type { Values } from '../session/values.js'
import { answerOf, storeError } from './answer.js'
import { announce } from './endings.js'
import { assertFits, type StorageContext } from './loaded-session.js'
import { TimeLimit } from './time-limit.js'
import {
  decode,
  encode,
  encodeMoved,
  ENDED,
  isRecord,
  type SessionRecord,
  type Tombstone,
  TOMBSTONE_BYTES,
} from './record.js'

/** A session in a server store, as it was at one version. */
export interface Snapshot {
  readonly version: Version
  readonly record: SessionRecord
  /** The record, encoded. */
  readonly data: string
  /** The values after one request's turn, if the changes of others were stored together with its own. */
  readonly own?: Values
}

/** What is under a session's key. `'none'`: nothing, or a session that has expired. */
export type Found = Snapshot | Tombstone | 'none'

/** A session that has moved: where it is now, and what it held before. */
export interface MovedSession {
  readonly key: string
  readonly record: SessionRecord
}

/** How many moves within a tombstone's time are followed. */
const MAX_MOVES = 10

/** How long a tombstone is stored: longer than a request lasts. */
const TOMBSTONE_MS = 60_000

/**
 * Sessions as entries of a server store. A session that moved to another token leaves a tombstone. A request that still
 * has the old token finds it, and may neither store nor end anything.
 *
 * Each call of the store belongs to a load or a commit, and fails with `UNAVAILABLE` once the `limit` of that is over.
 */
export class SessionEntries {
  readonly #store: ServerStore
  readonly #context: StorageContext

  constructor(store: ServerStore, context: StorageContext) {
    this.#store = store
    this.#context = context
  }

  /** The time that a load or a commit has which begins now. */
  limit(): TimeLimit {
    return new TimeLimit(this.#store)
  }

  /** `limit` may be left out for the first call of a load. `began`: when the request did, if that is known. */
  async read(key: string, limit?: TimeLimit, began?: number): Promise<Found> {
    limit?.check()
    let stored
    try {
      stored = await this.#store.read(key)
    } catch (error) {
      throw storeError(this.#store, error)
    }
    const now = began ?? this.#context.clock()
    if (stored === null) return 'none'
    if (stored.expiresAt <= now) {
      this.#noticeExpired(stored)
      return 'none'
    }
    const decoded = decode(stored)
    if (decoded === undefined) {
      throw new SessError(
        'CORRUPT',
        `The entry that the ${this.#store.name} store returned for this session's key is not a session.`,
      )
    }
    if (!isRecord(decoded)) return decoded
    if (this.#context.lifetime.isAlive(decoded, now)) return snapshotOf(stored.version, decoded, stored)
    this.#context.observer.expired(decoded.id)
    return 'none'
  }

  /** Tells of a session whose entry has expired. What is left of one that ended or moved is none. */
  #noticeExpired(stored: Entry): void {
    const { observer } = this.#context
    const decoded = observer.observesEnds ? decode(stored) : undefined
    if (decoded && isRecord(decoded)) observer.expired(decoded.id)
  }

  /**
   * What a session held when it moved, and the key of the session that it moved to, if that lives, there or wherever it moved
   * from there.
   */
  async readMoved({ moved }: Tombstone, limit: TimeLimit): Promise<MovedSession | undefined> {
    let to = moved?.to
    for (let moves = 0; to !== undefined && moves < MAX_MOVES; moves++) {
      const found = await this.read(to, limit)
      if (found === 'none') return undefined
      if (isSnapshot(found)) return moved && { key: to, record: moved.record }
      to = found.moved?.to
    }
    return undefined
  }

  /**
   * Decides by the snapshot's own stamps. If the result is false, another request may have extended the session since.
   */
  isAlive({ record }: Snapshot): boolean {
    return this.#context.lifetime.isAlive(record, this.#context.clock())
  }

  /** Stores a new session. The key is random, so it is free. */
  async create(key: string, record: SessionRecord, limit: TimeLimit): Promise<Snapshot> {
    const snapshot = await this.claim(key, record, limit)
    if (snapshot !== null) return snapshot
    throw new SessError('UNAVAILABLE', `The ${this.#store.name} store reports that a random key is taken.`)
  }

  /** Stores a new session. `null`: there is one under the key already. */
  async claim(key: string, record: SessionRecord, limit: TimeLimit): Promise<Snapshot | null> {
    const entry = this.encode(record)
    limit.check()
    const version = await answerOf(this.#store, this.#store.create(key, entry))
    return version === null ? null : snapshotOf(version, record, entry)
  }

  /** `null`: `version` is not current. */
  async update(key: string, record: SessionRecord, version: Version, limit: TimeLimit): Promise<Snapshot | null> {
    const entry = this.encode(record)
    const next = await this.swap(key, entry, version, limit)
    return next === null ? null : snapshotOf(next, record, entry)
  }

  swap(key: string, entry: Entry, version: Version, limit: TimeLimit): Promise<Version | null> {
    limit.check()
    return answerOf(this.#store, this.#store.update(key, entry, version))
  }

  async destroy(key: string, limit: TimeLimit): Promise<void> {
    limit.check()
    await answerOf(this.#store, this.#store.destroy(key))
    announce(key)
  }

  /** Throws `TOO_LARGE`. */
  encode(record: SessionRecord): Entry {
    const data = encode(record)
    const { name, maxBytes } = this.#store
    // The tombstone of a move has to fit too.
    assertFits(data, record.values, { name, maxBytes: Math.max(maxBytes - TOMBSTONE_BYTES, 1) })
    return { data, expiresAt: this.#context.lifetime.keepUntil(record) }
  }

  /** Marks the session as moved to another key, if the snapshot is current. */
  bury(key: string, { data, version }: Snapshot, to: string, limit: TimeLimit): Promise<boolean> {
    const expiresAt = this.#context.clock() + TOMBSTONE_MS
    return this.#mark(key, { data: encodeMoved(data, to), expiresAt }, version, limit, to)
  }

  /**
   * Marks the session as ended, if the snapshot is current: for a tombstone's time, or with an expiry long past. A store
   * that is full, and could store nothing, then removes the entry.
   */
  end(key: string, { version }: Snapshot, isKept: boolean, limit: TimeLimit): Promise<boolean> {
    const expiresAt = isKept ? this.#context.clock() + TOMBSTONE_MS : 1
    return this.#mark(key, { data: ENDED, expiresAt }, version, limit)
  }

  async #mark(key: string, mark: Entry, version: Version, limit: TimeLimit, to?: string): Promise<boolean> {
    const isMarked = (await this.swap(key, mark, version, limit)) !== null
    if (isMarked) announce(key, to)
    return isMarked
  }
}

export function snapshotOf(version: Version, record: SessionRecord, { data }: Entry): Snapshot {
  return { version, record, data }
}

export function isSnapshot(found: Found): found is Snapshot {
  return found !== 'none' && 'version' in found
}

export function isTombstone(found: Found): found is Tombstone {
  return found !== 'none' && !('version' in found)
}
