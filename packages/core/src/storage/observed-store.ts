import type { ClientStore, Entry, Lack, Opened, ServerStore, Store, Stored, Version } from '../contract.js'
import { channels, isTraced } from '../observing/channels.js'
import type { StoreCall, StoreMessage } from '../observing/messages.js'
import { traced } from '../observing/traced.js'
import { storeError } from './answer.js'

/** The store, with each of its calls published to those who have subscribed to `sess.store`. */
export function observed(store: ServerStore): ServerStore
export function observed(store: Store): Store
export function observed(store: Store): Store {
  return store.kind === 'server' ? new ObservedServerStore(store) : new ObservedClientStore(store)
}

/** A server store. Does not compile if the contract has a property that `ObservedServerStore` does not pass on. */
type Whole<K extends keyof ObservedServerStore> = Pick<ServerStore, K>

class ObservedServerStore implements ServerStore {
  readonly contract = 1
  readonly kind = 'server'
  readonly prune?: (now: number) => Promise<number>
  readonly #store: Whole<keyof ServerStore>
  readonly #channel = channels().store

  constructor(store: ServerStore) {
    this.#store = store
    if (store.prune) this.prune = (now) => this.#prune(now)
  }

  get name(): string {
    return this.#store.name
  }

  get maxBytes(): number {
    return this.#store.maxBytes
  }

  get deadline(): number {
    return this.#store.deadline
  }

  get lacks(): readonly Lack[] {
    return this.#store.lacks ?? []
  }

  create(key: string, entry: Entry): Promise<Version | null> {
    if (!isTraced(this.#channel)) return this.#store.create(key, entry)
    return this.#traced('create', async () => this.#store.create(key, entry))
  }

  read(key: string): Promise<Stored | null> {
    if (!isTraced(this.#channel)) return this.#store.read(key)
    return this.#traced('read', async () => this.#store.read(key))
  }

  update(key: string, entry: Entry, version: Version): Promise<Version | null> {
    if (!isTraced(this.#channel)) return this.#store.update(key, entry, version)
    return this.#traced('update', async () => this.#store.update(key, entry, version))
  }

  destroy(key: string): Promise<void> {
    if (!isTraced(this.#channel)) return this.#store.destroy(key)
    return this.#traced('destroy', async () => this.#store.destroy(key))
  }

  async #prune(now: number): Promise<number> {
    const prune = async (): Promise<number> => (await this.#store.prune?.(now)) ?? 0
    return isTraced(this.#channel) ? this.#traced('prune', prune) : prune()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #traced<T>(call: StoreCall, work: () => Promise<T>): Promise<T> {
    const message: StoreMessage = { store: this.name, call }
    return traced(this.#channel, message, work, (error) => storeError(this.#store, error))
  }
}

class ObservedClientStore implements ClientStore {
  readonly contract = 1
  readonly kind = 'client'
  readonly #store: ClientStore
  readonly #channel = channels().store

  constructor(store: ClientStore) {
    this.#store = store
  }

  get name(): string {
    return this.#store.name
  }

  get maxBytes(): number {
    return this.#store.maxBytes
  }

  seal(entry: Entry): string | Promise<string> {
    if (!isTraced(this.#channel)) return this.#store.seal(entry)
    return this.#traced('seal', async () => this.#store.seal(entry))
  }

  open(token: string): Opened | null | Promise<Opened | null> {
    if (!isTraced(this.#channel)) return this.#store.open(token)
    return this.#traced('open', async () => this.#store.open(token))
  }

  #traced<T>(call: StoreCall, work: () => Promise<T>): Promise<T> {
    const message: StoreMessage = { store: this.name, call }
    return traced(this.#channel, message, work, (error) => storeError(this.#store, error))
  }
}
