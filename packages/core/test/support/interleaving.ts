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

/** Picks one of the things that may happen next. */
type Choose = (labels: readonly string[]) => number

/**
 * Decides in which order concurrent requests get what they ask of the store. While a play is on, every
 * call is parked, and one is let through at a time, once nothing else can move.
 */
export class Stage {
  readonly #parked: Parked[] = []
  #isPlaying = false
  #choose: Choose = () => 0
  #trace: string[] = []

  /** What happened in the last play, in its order. */
  get trace(): readonly string[] {
    return this.#trace
  }

  /** Something that may be held up by others. */
  async park(label: string): Promise<void> {
    if (this.#isPlaying) await new Promise<void>((proceed) => this.#parked.push({ label, proceed }))
  }

  /**
   * A store each call of which is parked; with `replies`, its answer as well. A call to a key that only one request
   * knows could be anywhere in the order and need not be: `isShared` leaves it out.
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

  /** Runs requests, which must not reject, until all have ended. */
  async play<T>(requests: readonly (() => Promise<T>)[]): Promise<T[]> {
    this.#isPlaying = true
    this.#trace = []
    const running = new Set(requests)
    const ended = Promise.all(requests.map((request) => request().finally(() => running.delete(request))))
    await idle()
    while (running.size > 0) {
      const [next] = this.#parked.splice(this.#choose(this.#parked.map(({ label }) => label)), 1)
      if (next === undefined) throw new Error(`Nothing can happen any more after ${this.#trace.join(', ')}.`)
      this.#trace.push(next.label)
      next.proceed()
      await idle()
    }
    this.#isPlaying = false
    return ended
  }

  /** Plays a scenario once for every order in which what it parks may happen; resolves with how many there were. */
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

  /** Plays a scenario once, in the order that the numbers decide. */
  async rehearse(choices: readonly number[], scenario: () => Promise<void>): Promise<void> {
    let taken = 0
    this.#choose = ({ length }) => (choices[taken++ % Math.max(choices.length, 1)] ?? 0) % Math.max(length, 1)
    await scenario()
  }

  /** Plays requests in the order of these labels; what comes after them, as it comes. */
  async direct<T>(order: readonly string[], requests: readonly (() => Promise<T>)[]): Promise<T[]> {
    const cues = [...order]
    this.#choose = (labels) => {
      const cue = cues.shift()
      const choice = cue === undefined ? 0 : labels.indexOf(cue)
      if (choice < 0)
        throw new Error(`Not '${cue}' but ${labels.join(', ')} could happen after ${this.#trace.join(', ')}.`)
      return choice
    }
    return this.play(requests)
  }
}

function isExhausted(branch: { choice: number; of: number } | undefined): boolean {
  return branch === undefined || branch.choice + 1 >= branch.of
}

/** Until nothing moves any more by itself: every promise job comes before the next tick. */
function idle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
