import { setImmediate as turn } from 'node:timers/promises'
import { isSessError, type ServerStore, type Version } from '@sess/core/adapter'
import { chance } from './chance.js'
import type { Operation } from './history.js'
import { entry } from '../stage/server.js'
import { numbers } from '../stage/text.js'

const CLIENTS = 4
const CALLS_EACH = 6
/** A choice that makes a client read. */
const READ = 0.3

interface Unavailable {
  readonly kind: 'unavailable'
}

/**
 * Lets several clients work on a few keys at the same time, and returns their calls and outcomes by key. Each client
 * uses one of the stores. At the end each store is read once more, to show whether the last write was lost.
 */
export async function recordHistory(
  stores: readonly ServerStore[],
  seed: number,
): Promise<ReadonlyMap<string, readonly Operation[]>> {
  const random = chance(seed)
  const clock = { now: 0 }
  const known = new Map<string, Version>()
  const history = new Map<string, Operation[]>()
  const note = (key: string, operation: Operation) => history.set(key, [...(history.get(key) ?? []), operation])
  const keyOf = (choice: number) => `history${seed}${choice < 0.5 ? 'a' : 'b'}`
  await Promise.all(
    numbers(CLIENTS).map(async (client) => {
      const store = stores[client % stores.length]
      if (store === undefined) return
      const own = new HistoryClient(client, store, { clock, known })
      for (const _ of numbers(CALLS_EACH)) {
        const key = keyOf(random())
        note(key, await own.perform(key, random()))
        if (random() < 0.3) await turn()
      }
    }),
  )
  for (const [at, store] of stores.entries()) {
    const last = new HistoryClient(CLIENTS + at, store, { clock, known })
    for (const key of [keyOf(0), keyOf(1)]) note(key, await last.perform(key, READ))
  }
  return history
}

class HistoryClient {
  readonly #client: number
  readonly #store: ServerStore
  readonly #clock: { now: number }
  /** The newest version of each key that any client has received. Several clients then try to replace the same one. */
  readonly #known: Map<string, Version>

  constructor(
    client: number,
    store: ServerStore,
    { clock, known }: { readonly clock: { now: number }; readonly known: Map<string, Version> },
  ) {
    this.#client = client
    this.#store = store
    this.#clock = clock
    this.#known = known
  }

  /** Makes one call. `choice`, from 0 to 1, selects the method. */
  async perform(key: string, choice: number): Promise<Operation> {
    const client = this.#client
    const began = ++this.#clock.now
    const data = `${client} at ${began}`
    const span = () => ({ client, began, ended: ++this.#clock.now })
    if (choice < 0.15) {
      const outcome = await this.#written(key, () => this.#store.create(key, entry(data)))
      return { method: 'create', data, outcome, ...span() }
    }
    if (choice < 0.4) {
      const outcome = await this.#read(key)
      return { method: 'read', outcome, ...span() }
    }
    if (choice < 0.85) {
      const version = this.#known.get(key) ?? 'none'
      const outcome = await this.#written(key, () => this.#store.update(key, entry(data), version))
      return { method: 'update', data, version, outcome, ...span() }
    }
    const outcome = await answer(async () => {
      await this.#store.destroy(key)
      return { kind: 'done' } as const
    })
    return { method: 'destroy', outcome, ...span() }
  }

  #written(key: string, write: () => Promise<Version | null>) {
    return answer(async () => {
      const version = await write()
      if (version === null) return { kind: 'null' } as const
      this.#known.set(key, version)
      return { kind: 'version', version } as const
    })
  }

  #read(key: string) {
    return answer(async () => {
      const found = await this.#store.read(key)
      if (found === null) return { kind: 'null' } as const
      this.#known.set(key, found.version)
      return { kind: 'stored', data: found.data, version: found.version } as const
    })
  }
}

async function answer<T>(call: () => Promise<T>): Promise<T | Unavailable> {
  try {
    return await call()
  } catch (error) {
    if (isSessError(error) && error.code === 'UNAVAILABLE') return { kind: 'unavailable' }
    throw error
  }
}
