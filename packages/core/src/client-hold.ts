import { merge } from './change.js'
import { type Content, decode, encode, newContent } from './content.js'
import type { ClientStore } from './contract.js'
import type { CookieChange } from './cookie.js'
import { assertFits, type Hold, type Terms, type Work } from './hold.js'
import { looksLikeToken } from './token.js'

/** A session that the browser carries whole: nothing to merge with, nothing to revoke. */
export class ClientHold implements Hold {
  readonly #store: ClientStore
  readonly #terms: Terms
  #content: Content | undefined
  #outdated: boolean

  private constructor(store: ClientStore, terms: Terms, content?: Content, outdated = false) {
    this.#store = store
    this.#terms = terms
    this.#content = content
    this.#outdated = outdated
  }

  static async find(store: ClientStore, terms: Terms, tokens: readonly string[]): Promise<ClientHold> {
    for (const token of tokens) {
      const opened = await store.open(token)
      if (opened === null && looksLikeToken(token)) terms.onForeignToken()
      const content = opened && opened.expiresAt > terms.clock() ? decode(opened) : undefined
      if (opened && content && terms.lifetime.isAlive(content, terms.clock())) {
        return new ClientHold(store, terms, content, opened.outdated)
      }
    }
    return new ClientHold(store, terms)
  }

  get content(): Content | undefined {
    return this.#content
  }

  isDue(now: number): boolean {
    return this.#content !== undefined && (this.#outdated || this.#terms.lifetime.isExtensionDue(this.#content, now))
  }

  async commit({ changes, shown, regenerate, destroy }: Work): Promise<CookieChange | undefined> {
    if (destroy) this.#content = undefined
    const { clock, lifetime } = this.#terms
    const now = clock()
    if (this.#content === undefined && changes.size === 0) return destroy ? 'clear' : undefined
    const fields = merge(this.#content?.fields ?? {}, shown, changes, 'overwrite')
    const content =
      this.#content === undefined || regenerate
        ? newContent(now, fields)
        : { ...lifetime.extend(this.#content, now), fields }
    const data = encode(content)
    assertFits(data, fields, this.#store)
    const expiresAt = lifetime.keepUntil(content)
    const value = await this.#store.seal({ data, expiresAt })
    this.#content = content
    this.#outdated = false
    return { value, expiresAt }
  }
}
