import { randomUUID } from 'node:crypto'
import type { ServerStore, Store } from '../contract.js'
import { processWide } from '../process-wide.js'
import { requestsShareIo } from '../request-io.js'
import { observed } from './observed-store.js'

/** How often a store is pruned if its backend does not expire entries. */
const PRUNE_INTERVAL_MS = 60_000

/** Sessions that use a store. */
export interface StoreUser {
  readonly clock: () => number
  /** Called with errors that no request sees. */
  readonly onError: (error: unknown) => void
}

/**
 * The stores that core has opened, by an identity of what they were made from. A bundle may have a copy of a module for
 * each route, and a development server evaluates a module again at each edit.
 */
const stores = processWide('@sess/core stores/1', () => new Map<string, OpenStore>())

/** A store and how many use it. One that core has opened is shared by the process, and closed when the last user leaves. */
export class OpenStore<S extends Store = Store> {
  readonly store: S
  readonly #identity: string | undefined
  /** Held weakly: a development server forgets the modules that it replaces, and does not close their sessions. */
  readonly #users = new Set<WeakRef<StoreUser>>()
  #pruning: NodeJS.Timeout | undefined

  private constructor(store: S, identity?: string) {
    this.store = store
    this.#identity = identity
  }

  /** A store that the application made, and that it closes. */
  static given(store: Store): OpenStore {
    return new OpenStore(observed(store))
  }

  /** A store that core has made for one user, who closes it. */
  static own(store: ServerStore): OpenStore<ServerStore> {
    return new OpenStore(observed(store), randomUUID())
  }

  /** The store of that identity, made if it is not in use. A client store holds nothing that could be shared. */
  static shared(identity: string, make: () => Store): OpenStore {
    const known = stores.get(identity)
    if (known !== undefined) return known
    const store = observed(make())
    return store.kind === 'server' ? new OpenStore(store, identity) : new OpenStore(store)
  }

  /** Whether the last user closes the store. */
  get isShared(): boolean {
    return this.#identity !== undefined
  }

  /** The user leaves with what this returns. */
  join(user: StoreUser): WeakRef<StoreUser> {
    const { store } = this
    if (this.#identity !== undefined) stores.set(this.#identity, this)
    if (store.kind === 'server' && store.prune !== undefined && requestsShareIo())
      this.#pruning ??= setInterval(() => void this.#prune(store), PRUNE_INTERVAL_MS).unref()
    const joined = new WeakRef(user)
    this.#users.add(joined)
    return joined
  }

  /** The last one waits until the store is closed. From the moment of its call on, nobody can join. */
  async leave(user: WeakRef<StoreUser>): Promise<void> {
    this.#users.delete(user)
    if (this.#present().length > 0) return
    clearInterval(this.#pruning)
    this.#pruning = undefined
    if (this.#identity === undefined) return
    stores.delete(this.#identity)
    if (this.store.kind === 'server') await this.store.close()
  }

  #present(): readonly StoreUser[] {
    return [...this.#users].flatMap((user) => user.deref() ?? [])
  }

  /** Removes only what has expired by every user's clock. */
  async #prune(store: ServerStore): Promise<void> {
    const users = this.#present()
    try {
      if (users.length > 0) await store.prune?.(Math.min(...users.map(({ clock }) => clock())))
    } catch (error) {
      users[0]?.onError(error)
    }
  }
}
