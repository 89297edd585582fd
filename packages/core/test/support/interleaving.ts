import type { ServerStore } from '@sess/core/adapter'

interface Parked {
  readonly label: string
  readonly proceed: () => void
}

interface ParkingOptions {
  readonly replies?: boolean
  readonly isShared?: (key: string) => boolean
}

const always = (): boolean => true

/** Picks the index of the parked call that goes next. */
type Choose = (labels: readonly string[]) => number

/**
 * Decides the order in which concurrent requests reach the store. During a play every call is parked. Once no request
 * can proceed on its own, one parked call is released.
 */
export class Stage {
  readonly #parked: Parked[] = []
  #isPlaying = false
  #choose: Choose = () => 0
  #trace: string[] = []

  /** The labels of the last play, in the order in which they were released. */
  get trace(): readonly string[] {
    return this.#trace
  }

  /** A point at which other requests may go first. */
  async park(label: string): Promise<void> {
    if (this.#isPlaying) await new Promise<void>((proceed) => this.#parked.push({ label, proceed }))
  }

  /**
   * Wraps a store so that each call is parked; with `replies`, each answer too. The order of a call does not matter if
   * only one request knows the key, so calls whose key is not `isShared` are not parked.
   */
  parking(store: ServerStore, label: string, { replies = false, isShared = always }: ParkingOptions = {}): ServerStore {
    const parked = async <T>(method: string, key: string, call: () => Promise<T>): Promise<T> => {
      if (!isShared(key)) return call()
      await this.park(`${label} ${method}`)
      const result = await call()
      if (replies) await this.park(`${label} ${method} answered`)
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
      create: (key, entry) => parked('create', key, () => store.create(key, entry)),
      read: (key) => parked('read', key, () => store.read(key)),
      update: (key, entry, version) => parked('update', key, () => store.update(key, entry, version)),
      destroy: (key) => parked('destroy', key, () => store.destroy(key)),
    }
  }

  /** Runs requests until all have ended; they must not reject. */
  async play<T>(requests: readonly (() => Promise<T>)[]): Promise<T[]> {
    this.#isPlaying = true
    this.#trace = []
    const running = new Set(requests)
    const ended = Promise.all(requests.map((request) => request().finally(() => running.delete(request))))
    await idle()
    while (running.size > 0) {
      const [next] = this.#parked.splice(this.#choose(this.#parked.map(({ label }) => label)), 1)
      if (next === undefined)
        throw new Error(`The requests are stuck: nothing is parked after ${this.#trace.join(', ')}.`)
      this.#trace.push(next.label)
      next.proceed()
      await idle()
    }
    this.#isPlaying = false
    return ended
  }

  /** Plays a scenario once for every possible order of its parked calls; resolves with the number of orders. */
  async explore(scenario: () => Promise<void>): Promise<number> {
    let prefix: readonly number[] = []
    for (let plays = 1; ; plays++) {
      const branches: { choice: number; of: number }[] = []
      this.#choose = ({ length }) => {
        const choice = prefix[branches.length] ?? 0
        branches.push({ choice, of: length })
        return choice
      }
      await scenario()
      while (branches.length > 0 && isExhausted(branches.at(-1))) branches.pop()
      if (branches.length === 0) return plays
      prefix = branches.map(({ choice }, index) => (index === branches.length - 1 ? choice + 1 : choice))
    }
  }

  /** Plays a scenario once, in the order that `choices` determines. */
  async rehearse(choices: readonly number[], scenario: () => Promise<void>): Promise<void> {
    let taken = 0
    this.#choose = ({ length }) => (choices[taken++ % Math.max(choices.length, 1)] ?? 0) % Math.max(length, 1)
    await scenario()
  }

  /** Plays requests in the order of these labels; later calls run in the order in which they come. */
  async direct<T>(order: readonly string[], requests: readonly (() => Promise<T>)[]): Promise<T[]> {
    const cues = [...order]
    this.#choose = (labels) => {
      const cue = cues.shift()
      const choice = cue === undefined ? 0 : labels.indexOf(cue)
      if (choice < 0)
        throw new Error(`Expected '${cue}' after ${this.#trace.join(', ')}, but only ${labels.join(', ')} is parked.`)
      return choice
    }
    return this.play(requests)
  }
}

function isExhausted(branch: { choice: number; of: number } | undefined): boolean {
  return branch === undefined || branch.choice + 1 >= branch.of
}

/** Resolves when no request can proceed on its own: a nextTick callback lets all pending promise jobs run first. */
function idle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
