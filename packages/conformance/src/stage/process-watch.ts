import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Breach, show } from '../breach.js'

/** Milliseconds that released resources may take to go away, unless the harness gives another limit. */
const RELEASES_WITHIN = 2000
/** On a slow machine, releasing resources takes turns of the event loop rather than time. */
const LEAST_POLLS = 10

type Counts = Readonly<Record<string, number>>

/** What keeps the process alive at this moment, counted by kind. */
function resources(): Counts {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** The same, once it is stable: resources that an earlier case is still releasing would hide as many leaks. */
async function settledResources(): Promise<Counts> {
  const until = performance.now() + RELEASES_WITHIN
  let counts = resources()
  for (let same = 0; same < 3 && performance.now() < until;) {
    await sleep(1)
    const now = resources()
    same = isDeepStrictEqual(now, counts) ? same + 1 : 0
    counts = now
  }
  return counts
}

function listeners(): Counts {
  return Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]))
}

function grown(before: Counts, after: Counts): string[] {
  return Object.keys(after).filter((name) => (after[name] ?? 0) > (before[name] ?? 0))
}

async function expectReleased(done: string, before: Counts, within = RELEASES_WITHIN): Promise<void> {
  const until = performance.now() + within
  for (let polls = 1; ; polls++) {
    // Node reports unhandled rejections after a turn of the event loop.
    await turn()
    const left = grown(before, resources())
    if (left.length === 0) return
    if (performance.now() >= until && polls >= LEAST_POLLS)
      throw new Breach(done, 'nothing left that keeps the process alive', show(left))
    await sleep(Math.min(polls, 20))
  }
}

/** Records unhandled rejections, listener leaks and child processes. */
export class Watch {
  readonly #resources: Counts
  readonly #listeners = listeners()
  readonly #faults: string[] = []
  readonly #onRejection = (): void => void this.#faults.push('an unhandled rejection')
  readonly #onWarning = ({ name }: Error): void => {
    if (name === 'MaxListenersExceededWarning') this.#faults.push('a warning about too many listeners')
  }

  constructor(before: Counts) {
    this.#resources = before
    process.on('unhandledRejection', this.#onRejection)
    process.on('warning', this.#onWarning)
  }

  lookForChildren(): void {
    if (grown(this.#resources, resources()).includes('ProcessWrap')) this.#faults.push('a child process')
  }

  end(): void {
    process.off('unhandledRejection', this.#onRejection)
    process.off('warning', this.#onWarning)
  }

  /** What was found. Call it after `end`. */
  faults(): string[] {
    return [...this.#faults, ...grown(this.#listeners, listeners()).map((name) => `a listener for '${name}'`)]
  }
}

/**
 * Asserts that `use` releases all that it takes: nothing is left that keeps the process alive. What other code takes at
 * the same time counts too, so the case must run alone.
 */
export async function expectAllReleased(done: string, use: () => Promise<void>, within?: number): Promise<void> {
  const before = await settledResources()
  await use()
  await expectReleased(done, before, within)
}

/** The same, and asserts that `use` leaves no listener, starts no child process and leaves no rejection unhandled. */
export async function expectNothingLeft(
  done: string,
  use: (watch: Watch) => Promise<void>,
  within?: number,
): Promise<void> {
  const before = await settledResources()
  const watch = new Watch(before)
  try {
    await use(watch)
    await expectReleased(done, before, within)
  } finally {
    watch.end()
  }
  const faults = watch.faults()
  if (faults.length > 0) throw new Breach(done, 'nothing left behind', faults.join(', '))
}
