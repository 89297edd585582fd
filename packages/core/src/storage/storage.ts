import type { ServerStore, Store } from '../contract.js'
import type { Keyring } from '../crypto/keyring.js'
import { TokenMint } from '../crypto/token.js'
import { SessError } from '../error.js'
import { forLaterCallers, requestsShareIo } from '../request-io.js'
import { ClientSession } from './client-session.js'
import { SessionEntries } from './entries.js'
import { InFlight } from './in-flight.js'
import {
  type Commit,
  type CookieChange,
  isExtension,
  type LoadedSession,
  type StorageContext,
} from './loaded-session.js'
import { ServerSession } from './server-session.js'
import { Swaps } from './swaps.js'
import { SwapsInTurn } from './swaps-in-turn.js'

/** How often a store is pruned if its backend does not expire entries. */
const PRUNE_INTERVAL_MS = 60_000

/** The sessions of one application, in its store. */
export class SessionStorage {
  readonly #store: Store
  readonly #ownsStore: boolean
  readonly #context: StorageContext
  readonly #find: (tokens: readonly string[]) => Promise<LoadedSession>
  readonly #commits = new InFlight()
  readonly #leave = () => this.#commits.leave()
  /** The last extension failed, and `onError` knows. */
  #failsToExtend = false
  readonly #pruning: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(store: Store, ownsStore: boolean, keyring: Keyring, context: StorageContext) {
    this.#store = store
    this.#ownsStore = ownsStore
    this.#context = context
    this.#find = finder(store, keyring, context)
    if (store.kind === 'server' && store.prune && requestsShareIo()) {
      this.#pruning = setInterval(() => void this.#prune(store), PRUNE_INTERVAL_MS).unref()
    }
  }

  /** The newest session that the tokens open, or a new one. Rejects with `CLOSED` after `close`. */
  find(tokens: readonly string[]): Promise<LoadedSession> {
    if (this.#closing) return Promise.reject(new SessError('CLOSED', 'These sessions are closed.'))
    return this.#find(tokens)
  }

  /** When the session ends if it is not used again; `undefined` if nothing is stored. */
  expiresAt({ record }: LoadedSession): Date | undefined {
    return record && new Date(this.#context.lifetime.expiresAt(record))
  }

  /** Stores a commit; `close` waits for it. */
  commit(session: LoadedSession, commit: Commit): Promise<CookieChange | undefined> {
    this.#commits.enter()
    const done = isExtension(commit) ? this.#extend(session, commit) : session.commit(commit)
    done.then(this.#leave, this.#leave)
    return done
  }

  /**
   * A request that only read has all that it asked for, so a failure does not fail its response: the next request tries
   * again. `onError` gets the first one, and no other until an extension has succeeded. On a store that takes no
   * writes, every request would report one.
   */
  async #extend(session: LoadedSession, commit: Commit): Promise<CookieChange | undefined> {
    try {
      const cookie = await session.commit(commit)
      this.#failsToExtend = false
      return cookie
    } catch (error) {
      if (!this.#failsToExtend) this.#context.onError(error)
      this.#failsToExtend = true
      return undefined
    }
  }

  /** Waits for the commits in flight, then closes the store, unless the application passed it in. */
  close(): Promise<void> {
    if (this.#closing) return this.#closing
    const closing = this.#close()
    this.#closing = forLaterCallers(closing)
    return closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#pruning)
    if (requestsShareIo()) await this.#commits.idle()
    if (this.#ownsStore && this.#store.kind === 'server') await this.#store.close()
  }

  async #prune(store: ServerStore): Promise<void> {
    try {
      await store.prune?.(this.#context.clock())
    } catch (error) {
      this.#context.onError(error)
    }
  }
}

function finder(
  store: Store,
  keyring: Keyring,
  context: StorageContext,
): (tokens: readonly string[]) => Promise<LoadedSession> {
  if (store.kind === 'client') return (tokens) => ClientSession.find(store, context, tokens)
  const entries = new SessionEntries(store, context)
  const mint = new TokenMint(keyring, context.cookieName)
  const swaps = requestsShareIo() ? new Swaps(entries, context) : new SwapsInTurn(entries, context)
  const serverContext = { ...context, entries, swaps, mint }
  return (tokens) => ServerSession.find(serverContext, tokens)
}
