import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Breach, show } from '../breach.js'

/** Milliseconds that what a store let go may take to be gone, unless the harness says otherwise. */
const RELEASES_WITHIN = 2000
/** However slow the machine: what was let go takes turns of the event loop rather than time. */
const LEAST_POLLS = 10

type Counts = Readonly<Record<string, number>>

/** What keeps the process alive at this moment, by kind. */
function resources(): Counts {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** The same, once it stays the same: what an earlier case let go would hide as much that leaks. */
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
    // Rejections that nobody handles are told of after a turn of the event loop.
    await turn()
    const left = grown(before, resources())
    if (left.length === 0) return
    if (performance.now() >= until && polls >= LEAST_POLLS)
      throw new Breach(done, 'nothing left that keeps the process alive', show(left))
    await sleep(Math.min(polls, 20))
  }
}

/** What a store does to the process, beside what it holds. */
export class Watch {
  readonly #resources: Counts
  readonly #listeners = listeners()
  readonly #faults: string[] = []
  readonly #onRejection = (): void => void this.#faults.push('a rejection that nobody handles')
  readonly #onWarning = ({ name }: Error): void => {
    if (name === 'MaxListenersExceededWarning') this.#faults.push('a warning of too many listeners')
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

  /** To be asked when it has ended. */
  faults(): string[] {
    return [...this.#faults, ...grown(this.#listeners, listeners()).map((name) => `a listener for '${name}'`)]
  }
}

/** That what `use` takes it gives back: nothing of it keeps the process alive. What others take meanwhile counts too. */
export async function expectAllReleased(done: string, use: () => Promise<void>, within?: number): Promise<void> {
  const before = await settledResources()
  await use()
  await expectReleased(done, before, within)
}

/** That, and that it leaves no listener, starts no child process, and handles every rejection. */
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
