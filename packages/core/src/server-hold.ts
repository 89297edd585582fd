import { merge } from './change.js'
import { type Content, newContent } from './content.js'
import type { CookieChange } from './cookie.js'
import { isSessError } from './error.js'
import type { Hold, Terms, Work } from './hold.js'
import { retry } from './retry.js'
import type { SessionEntries, Snapshot } from './session-entries.js'
import { ended, rotated, type Swaps } from './swaps.js'
import { looksLikeToken, type Token, type TokenMint } from './token.js'

/** How the sessions of one application are kept in a server store. */
export interface ServerTerms extends Terms {
  readonly mint: TokenMint
  readonly entries: SessionEntries
  readonly swaps: Swaps
}

interface Place {
  readonly token: Token
  readonly snapshot: Snapshot
}

/** A session on a server store, named by a token. */
export class ServerHold implements Hold {
  readonly #terms: ServerTerms
  #place: Place | undefined
  /** The cookie names a session that has moved to another token, and this request has none of its own. */
  #isRotated: boolean

  private constructor(terms: ServerTerms, place?: Place, isRotated = false) {
    this.#terms = terms
    this.#place = place
    this.#isRotated = isRotated
  }

  static async find(terms: ServerTerms, tokens: readonly string[]): Promise<ServerHold> {
    let isRotated = false
    for (const text of tokens) {
      const token = terms.mint.verify(text)
      if (token === null) {
        if (looksLikeToken(text)) terms.onForeignToken()
        continue
      }
      const found = await terms.entries.read(token.key)
      if (found === 'rotated') isRotated = true
      else if (found !== 'none') return new ServerHold(terms, { token, snapshot: found })
    }
    return new ServerHold(terms, undefined, isRotated)
  }

  get content(): Content | undefined {
    return this.#place?.snapshot.content
  }

  isDue(now: number): boolean {
    if (this.#place === undefined) return false
    const { token, snapshot } = this.#place
    return token.outdated || this.#terms.lifetime.isExtensionDue(snapshot.content, now)
  }

  commit(work: Work): Promise<CookieChange | undefined> {
    const place = this.#place
    if (place === undefined) return this.#start(work)
    if (work.destroy) return this.#end(place, work)
    return work.regenerate ? this.#rotate(place, work) : this.#store(place, work)
  }

  /** Something was shown only where the session ended after this request had saved: changes that rest on it conflict. */
  async #start({ changes, shown, regenerate, destroy }: Work): Promise<CookieChange | undefined> {
    // Login excepted, a cookie sent from here would replace the one that the login sent.
    if (this.#isRotated && (destroy || (changes.size > 0 && !regenerate))) throw rotated()
    const { mint, entries, clock, onConflict } = this.#terms
    const fields = merge({}, shown, changes, onConflict)
    if (Object.keys(fields).length === 0) return destroy ? 'clear' : undefined
    const token = mint.make()
    return this.#settle(token, await entries.create(token.key, newContent(clock(), fields)))
  }

  async #store(place: Place, { changes, shown }: Work): Promise<CookieChange | undefined> {
    const { token, snapshot } = place
    const { mint, swaps, lifetime, clock, onConflict, persistent } = this.#terms
    const now = clock()
    const stored =
      changes.size === 0
        ? await this.#extend(place, now)
        : await swaps.change(token.key, snapshot, (newest) => ({
            ...lifetime.extend(newest, now),
            fields: merge(newest.fields, shown, changes, onConflict),
          }))
    const isExtended = stored.content.touchedAt !== snapshot.content.touchedAt
    const current = token.outdated ? mint.renew(token) : token
    const cookie = this.#settle(current, stored)
    return token.outdated || (persistent && isExtended) ? cookie : undefined
  }

  /** Another request's change extends the session as well, so one attempt is enough. */
  async #extend({ token, snapshot }: Place, now: number): Promise<Snapshot> {
    if (!this.#terms.entries.isAlive(snapshot)) return snapshot
    const content = this.#terms.lifetime.extend(snapshot.content, now)
    if (content === snapshot.content) return snapshot
    return (await this.#terms.entries.update(token.key, content, snapshot.version)) ?? snapshot
  }

  /**
   * Login. Not create-then-destroy: that loses what another request writes in between, and lets it
   * bring the session back under the old token. The new entry comes first; then the old one becomes a
   * tombstone, or, where it has changed, is read again and carried over. Where it is gone, only this
   * request's changes remain, unless they rest on what is gone; without any, there is nothing to log in to.
   */
  async #rotate(place: Place, { changes, shown }: Work): Promise<CookieChange | undefined> {
    const { mint, entries, clock, onConflict } = this.#terms
    const begun = newContent(clock(), {})
    const token = mint.make()
    let old = entries.isAlive(place.snapshot) ? place.snapshot : await this.#reread(place)
    let moved: Snapshot | undefined
    try {
      const done = await retry(async () => {
        const content = { ...begun, fields: merge(old?.content.fields ?? {}, shown, changes, onConflict) }
        const next = moved
          ? await entries.update(token.key, content, moved.version)
          : await entries.create(token.key, content)
        if (next === null) throw ended()
        moved = next
        if (old === undefined || (await entries.bury(place.token.key, old.version))) return moved
        old = await this.#reread(place)
        return undefined
      })
      if (old !== undefined || Object.keys(done.content.fields).length > 0) return this.#settle(token, done)
    } catch (error) {
      if (moved && !isUnavailable(error)) await this.#abandon(token)
      throw error
    }
    await this.#abandon(token)
    this.#place = undefined
    return undefined
  }

  async #reread({ token }: Place): Promise<Snapshot | undefined> {
    const found = await this.#terms.entries.read(token.key)
    this.#isRotated = found === 'rotated'
    return typeof found === 'string' ? undefined : found
  }

  /** Of what nobody can use; an entry that cannot be removed is left to its expiry. */
  async #abandon(token: Token): Promise<void> {
    await this.#terms.entries.destroy(token.key).catch(() => undefined)
  }

  /**
   * Logout. Marked by compare-and-swap before it is destroyed: an unconditional destroy could hit the
   * tombstone of a login that this request knows nothing of, and report a logout that did not happen.
   * Where another session begins at once, the old token has moved as by a login: a request that still
   * holds it could else begin a third one, whose cookie would replace this one's.
   */
  async #end(place: Place, work: Work): Promise<CookieChange | undefined> {
    const { entries } = this.#terms
    const { key } = place.token
    const isReplaced = work.changes.size > 0
    let { version } = place.snapshot
    await retry(async () => {
      if (isReplaced ? await entries.bury(key, version) : await entries.end(key, version)) return true
      const found = await entries.read(key)
      if (found === 'rotated') throw rotated()
      if (found === 'none') return true
      version = found.version
      return undefined
    })
    if (!isReplaced) await entries.destroy(key)
    this.#place = undefined
    if (!isReplaced) return 'clear'
    try {
      return await this.#start(work)
    } catch (error) {
      await this.#abandon(place.token)
      throw error
    }
  }

  #settle(token: Token, snapshot: Snapshot): CookieChange {
    this.#place = { token, snapshot }
    this.#isRotated = false
    return { value: token.text, expiresAt: this.#terms.lifetime.keepUntil(snapshot.content) }
  }
}

function isUnavailable(error: unknown): boolean {
  return isSessError(error) && error.code === 'UNAVAILABLE'
}
