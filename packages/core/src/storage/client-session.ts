import type { ClientStore } from '../contract.js'
import { looksLikeToken } from '../crypto/token.js'
import type { Values } from '../session/values.js'
import { apply, applyToMoved, applyToNew } from './apply.js'
import {
  assertFits,
  type Commit,
  type CookieChange,
  type LoadedSession,
  type StorageContext,
  warnOfForeignToken,
} from './loaded-session.js'
import { decode, encode, isRecord, type SessionRecord } from './record.js'

/** A session that the browser carries whole, so there is nothing to merge with and nothing to revoke. */
export class ClientSession implements LoadedSession {
  readonly #store: ClientStore
  readonly #context: StorageContext
  #record: SessionRecord | undefined
  #outdated: boolean

  private constructor(store: ClientStore, context: StorageContext, record?: SessionRecord, outdated = false) {
    this.#store = store
    this.#context = context
    this.#record = record
    this.#outdated = outdated
  }

  static async find(store: ClientStore, context: StorageContext, tokens: readonly string[]): Promise<ClientSession> {
    const { clock, lifetime } = context
    for (const token of tokens) {
      const opened = await store.open(token)
      if (opened === null && looksLikeToken(token)) warnOfForeignToken(context)
      const record = opened && opened.expiresAt > clock() ? decode(opened) : undefined
      if (opened && record && isRecord(record) && lifetime.isAlive(record, clock())) {
        return new ClientSession(store, context, record, opened.outdated)
      }
    }
    return new ClientSession(store, context)
  }

  get record(): SessionRecord | undefined {
    return this.#record
  }

  get own(): Values | undefined {
    return this.#record?.values
  }

  isDue(now: number): boolean {
    return this.#record !== undefined && (this.#outdated || this.#context.lifetime.isExtensionDue(this.#record, now))
  }

  sendsCookie({ changes, destroy }: Commit): boolean {
    return changes.size > 0 || (!destroy && this.#record !== undefined)
  }

  async commit(commit: Commit): Promise<CookieChange | undefined> {
    if (commit.destroy) this.#record = undefined
    const { clock, lifetime } = this.#context
    const now = clock()
    if (this.#record === undefined && commit.changes.size === 0) return commit.destroy ? 'clear' : undefined
    const record = this.#apply(commit, now)
    const data = encode(record)
    assertFits(data, record.values, this.#store)
    const expiresAt = lifetime.keepUntil(record)
    const value = await this.#store.seal({ data, expiresAt })
    this.#record = record
    this.#outdated = false
    return { value, expiresAt }
  }

  #apply(commit: Commit, now: number): SessionRecord {
    if (this.#record === undefined) return applyToNew(commit, now, 'overwrite')
    if (commit.regenerate) return applyToMoved(this.#record, commit, now, 'overwrite')
    return apply(this.#record, commit, now, { lifetime: this.#context.lifetime, onConflict: 'overwrite' })
  }
}
