import type { ServerStore } from '@sess/core/adapter'
import { type AreIndependent, DifferentOrders, type Director, EveryOrder, type Step } from './exploration.ts'

interface Parked extends Step {
  /** Whose it is: all that it does on its own may use what is in memory there. */
  readonly actor: string
  readonly proceed: () => void
}

interface ParkingOptions {
  readonly replies?: boolean
  readonly isShared?: (key: string) => boolean
  /** The random keys in a key or in an entry's data. Each play has others. */
  readonly randomKeysIn?: (text: string) => readonly string[]
}

const always = (): boolean => true
const none = (): readonly string[] => []

const FIRST: Director = { choose: () => 0 }
const REPEATED = new Error('The play only differs from another one by the order of independent steps.')

/**
 * Decides the order in which concurrent requests reach the store. During a play every call is parked. Once no request
 * can proceed on its own, one parked call is released.
 */
export class Stage {
  readonly #parked: Parked[] = []
  #isPlaying = false
  #director = FIRST
  #trace: string[] = []
  /** How many calls the play has parked. */
  #count = 0
  /** What was used since the last parked call was released, and whether that changed it. */
  #used = new Map<string, boolean>()
  /** The keys of this play that are random, by what they are called in each play. */
  readonly #names = new Map<string, string>()
  readonly #onIdle: (actor: string) => void

  /**
   * `onIdle` is called when no request can proceed on its own, with the actor of the call that was released last. It may
   * `note` what has been used since and is not in the store.
   */
  constructor(onIdle: (actor: string) => void = () => undefined) {
    this.#onIdle = onIdle
  }

  /** The labels of the last play, in the order in which they were released. */
  get trace(): readonly string[] {
    return this.#trace
  }

  /** A point at which other requests may go first. */
  async park(label: string, actor: string = label): Promise<void> {
    if (!this.#isPlaying) return
    const number = ++this.#count
    await new Promise<void>((proceed) => this.#parked.push({ number, label, actor, proceed }))
  }

  /** Notes that what goes on now uses something that what others do may depend on. */
  note(name: string, isChanged: boolean): void {
    this.#used.set(name, isChanged || this.#used.get(name) === true)
  }

  /** What a key is called: the same in all plays that differ by the order of independent steps only. */
  nameOf(key: string): string {
    return this.#names.get(key) ?? key
  }

  /**
   * Wraps a store so that each call is parked; with `replies`, each answer too. The order of a call does not matter if
   * only one request knows the key, so calls whose key is not `isShared` are not parked.
   */
  parking(
    store: ServerStore,
    label: string,
    { replies = false, isShared = always, randomKeysIn = none }: ParkingOptions = {},
  ): ServerStore {
    const noted = async <T>(method: string, key: string, call: () => Promise<T>, data = ''): Promise<T> => {
      for (const random of [...randomKeysIn(key), ...randomKeysIn(data)]) this.#name(random, label)
      let isChanged = method !== 'read'
      try {
        const result = await call()
        // A change that was refused has but read.
        if (result === null) isChanged = false
        return result
      } finally {
        this.note(this.nameOf(key), isChanged)
      }
    }
    const parked = async <T>(method: string, key: string, call: () => Promise<T>, data?: string): Promise<T> => {
      if (!this.#isPlaying) return call()
      if (!isShared(key)) return noted(method, key, call, data)
      await this.park(`${label} ${method}`, label)
      const result = await noted(method, key, call, data)
      if (replies) await this.park(`${label} ${method} answered`, label)
      return result
    }
    const { contract, kind, name, maxBytes, deadline } = store
    return {
      contract,
      kind,
      name,
      maxBytes,
      deadline,
      close: () => store.close(),
      create: (key, entry) => parked('create', key, () => store.create(key, entry), entry.data),
      read: (key) => parked('read', key, () => store.read(key)),
      update: (key, entry, version) => parked('update', key, () => store.update(key, entry, version), entry.data),
      destroy: (key) => parked('destroy', key, () => store.destroy(key)),
    }
  }

  /**
   * Names a key after the actor that uses it first, and numbers it. That actor has drawn the key, since the others learn of
   * it from the store.
   */
  #name(key: string, actor: string): void {
    if (this.#names.has(key)) return
    const count = [...this.#names.values()].filter((name) => name.startsWith(`${actor}:`)).length
    this.#names.set(key, `${actor}:${count + 1}`)
  }

  /** Runs requests until all have ended; they must not reject. */
  async play<T>(requests: readonly (() => Promise<T>)[]): Promise<T[]> {
    this.#isPlaying = true
    this.#trace = []
    this.#count = 0
    this.#names.clear()
    const running = new Set(requests)
    const ended = Promise.all(requests.map((request) => request().finally(() => running.delete(request))))
    await idle()
    this.#onIdle('')
    while (running.size > 0) {
      const [next] = this.#parked.splice(this.#director.choose(this.#parked), 1)
      if (next === undefined)
        throw new Error(`The requests are stuck: nothing is parked after ${this.#trace.join(', ')}.`)
      this.#trace.push(next.label)
      this.#used = new Map([[next.actor, true]])
      next.proceed()
      await idle()
      this.#onIdle(next.actor)
      this.#director.noted?.(this.#used)
    }
    this.#isPlaying = false
    const results = await ended
    if (this.#director.isRepeated === true) throw REPEATED
    return results
  }

  /**
   * Plays a scenario once for every possible order of its parked calls. With `areIndependent`, it plays one order of each
   * group that differs only in how independent steps are arranged; steps may then depend only on what is noted. Resolves
   * with the number of orders played.
   */
  async explore(scenario: () => Promise<void>, areIndependent?: AreIndependent): Promise<number> {
    const exploration = areIndependent === undefined ? new EveryOrder() : new DifferentOrders(areIndependent)
    this.#director = exploration
    let plays = 0
    do {
      try {
        await scenario()
        plays++
      } catch (error) {
        if (error !== REPEATED) throw error
      }
    } while (exploration.next())
    return plays
  }

  /** Plays a scenario once, in the order that `choices` determines. */
  async rehearse(choices: readonly number[], scenario: () => Promise<void>): Promise<void> {
    let taken = 0
    const choose = ({ length }: readonly Step[]): number =>
      (choices[taken++ % Math.max(choices.length, 1)] ?? 0) % Math.max(length, 1)
    this.#director = { choose }
    await scenario()
  }

  /** Plays requests in the order of these labels; later calls run in the order in which they come. */
  async direct<T>(order: readonly string[], requests: readonly (() => Promise<T>)[]): Promise<T[]> {
    const cues = [...order]
    const choose = (steps: readonly Step[]): number => {
      const cue = cues.shift()
      const labels = steps.map(({ label }) => label)
      const choice = cue === undefined ? 0 : labels.indexOf(cue)
      if (choice < 0)
        throw new Error(`Expected '${cue}' after ${this.#trace.join(', ')}, but only ${labels.join(', ')} is parked.`)
      return choice
    }
    this.#director = { choose }
    return this.play(requests)
  }
}

/** Resolves when no request can proceed on its own: a nextTick callback lets all pending promise jobs run first. */
function idle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
