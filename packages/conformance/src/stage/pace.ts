import { isError, isSessError, type ServerStore } from '@sess/core/adapter'
import { Breach } from '../breach.js'
import { runMethod } from './case-context.js'

/** A call that fails after at least this share of its deadline failed because of the deadline. */
const LATE_SHARE = 0.9

/** A call took too long although the suite had made nothing fail, which says nothing about the clause. */
export class Late extends Error {
  /** Always `Late`. */
  override readonly name = 'Late'
}

/** Milliseconds after which a call that still has not settled never will: no busy machine takes that long. */
export function hangLimit({ deadline }: ServerStore): number {
  return 5 * deadline + 5000
}

const calms = new WeakMap<ServerStore, () => boolean>()

/** Whether nothing that the case has made fail can concern the store. */
export function isCalm(store: ServerStore): boolean {
  return calms.get(store)?.() ?? false
}

/**
 * How long the calls of one case take. A late answer is not held against a store until the case makes the backend fail,
 * or what lies between the backend and this store.
 */
export class Pace {
  #isDisturbed = false
  readonly #disturbed = new Set<string>()
  #hasBeenLate = false
  /** The errors of calls that their deadline ended, and what happened in words. */
  readonly #late = new WeakMap<object, string>()

  /**
   * The case makes the backend fail, restart or evict. With an address, it concerns only what reaches the backend there.
   */
  disturb(address?: string): void {
    if (address === undefined) this.#isDisturbed = true
    else this.#disturbed.add(address)
  }

  /** What was late, if that is why a case failed with this error. */
  lateness(error: unknown): string | undefined {
    if (error instanceof Late) return error.message
    if (error instanceof Breach) return this.lateness(error.cause)
    return isError(error) ? this.#late.get(error) : undefined
  }

  /**
   * The store as a case uses it: each call is timed, and ends with a `Breach` if it hangs. `address` is where the store
   * reaches the backend.
   */
  timed(store: ServerStore, address: string): ServerStore {
    const { contract, kind, name, maxBytes, deadline, lacks } = store
    const prune = store.prune?.bind(store)
    const check = store.check?.bind(store)
    const timed: ServerStore = {
      contract,
      kind,
      name,
      maxBytes,
      deadline,
      ...(lacks && { lacks }),
      create: (key, entry) => this.#time(store, 'create', () => store.create(key, entry)),
      read: (key) => this.#time(store, 'read', () => store.read(key)),
      update: (key, entry, version) => this.#time(store, 'update', () => store.update(key, entry, version)),
      destroy: (key) => this.#time(store, 'destroy', () => store.destroy(key)),
      ...(prune && { prune: (now) => this.#time(store, 'prune', () => prune(now)) }),
      ...(check && { check: () => this.#time(store, 'check', check) }),
      close: () => this.#time(store, 'close', () => store.close()),
    }
    for (const each of [store, timed]) this.watch(each, address)
    return timed
  }

  /** Makes `isCalm` know the store. Without an address, it may reach the backend anywhere. */
  watch(store: ServerStore, address?: string): void {
    calms.set(store, () => {
      const isDisturbed = address === undefined ? this.#disturbed.size > 0 : this.#disturbed.has(address)
      return !this.#isDisturbed && !isDisturbed
    })
  }

  async #time<T>(store: ServerStore, method: string, call: () => Promise<T>): Promise<T> {
    const began = performance.now()
    try {
      // The deadline holds for each step of a prune, and their number is not known.
      return await (method === 'prune' ? runMethod(method, call) : endsInTime(store, method, call))
    } catch (error) {
      const took = performance.now() - began
      if (isSessError(error) && error.code === 'UNAVAILABLE' && isCalm(store)) {
        this.#hasBeenLate ||= took >= LATE_SHARE * store.deadline
        // A store that was late once may refuse calls at once for a while.
        if (this.#hasBeenLate) this.#late.set(error, lateMessage(store, method, took))
      }
      throw error
    }
  }
}

function lateMessage({ deadline }: ServerStore, method: string, took: number): string {
  return `${method} failed with UNAVAILABLE after ${Math.round(took)} ms; the store's deadline is ${deadline} ms`
}

/** Makes a call. Rejects with a `Breach` if it hangs. */
async function endsInTime<T>(store: ServerStore, method: string, call: () => Promise<T>): Promise<T> {
  const limit = hangLimit(store)
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    const expected = `settled within the deadline of ${store.deadline} ms`
    timer = setTimeout(() => reject(new Breach(method, expected, `not settled after ${limit} ms`)), limit)
  })
  try {
    return await Promise.race([runMethod(method, call), hung])
  } finally {
    clearTimeout(timer)
  }
}
