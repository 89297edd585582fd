import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Breach, tally } from '../breach.js'
import { runOutside } from './case-context.js'
import { Resources } from './resources.js'

/** Milliseconds that released resources may take to go away, unless the harness gives another limit. */
const RELEASES_WITHIN = 2000
/** Milliseconds between two looks. The limit counts looks, since a slow machine takes longer for each. */
const LOOK_EVERY = 20
const LEAST_LOOKS = 10

interface Listening {
  readonly event: string
  readonly listener: unknown
}

function listeners(): Listening[] {
  const names = process.eventNames()
  return names.flatMap((name) => process.rawListeners(name).map((listener) => ({ event: String(name), listener })))
}

/** The listeners of the process that were not there before. */
function addedTo(before: readonly Listening[]): readonly Listening[] {
  const rest = [...before]
  return listeners().filter(({ event, listener }) => {
    const at = rest.findIndex((one) => one.event === event && one.listener === listener)
    if (at !== -1) rest.splice(at, 1)
    return at === -1
  })
}

async function expectReleased(done: string, resources: Resources, within = RELEASES_WITHIN): Promise<void> {
  const looks = Math.max(LEAST_LOOKS, Math.ceil(within / LOOK_EVERY))
  for (let look = 1; ; look++) {
    await runOutside(() => turn())
    const left = resources.left()
    if (left.length === 0) return
    if (look > looks) throw new Breach(done, 'nothing left that keeps the process alive', left.join('; '))
    await runOutside(() => sleep(LOOK_EVERY))
  }
}

/** Asserts that `use` releases all that it takes: nothing is left that keeps the process alive. */
export async function expectAllReleased(done: string, use: () => Promise<void>, within?: number): Promise<void> {
  await watchResources(use, (resources) => expectReleased(done, resources, within))
}

/** The same, and asserts that `use` leaves no listener on the process and starts no child process. */
export async function expectNothingLeft(done: string, use: () => Promise<void>, within?: number): Promise<void> {
  const before = listeners()
  await watchResources(use, async (resources) => {
    await expectReleased(done, resources, within)
    const added = addedTo(before).map(({ event }) => `listener of the process for '${event}'`)
    const faults = [...tally(added), ...resources.children()]
    if (faults.length > 0) throw new Breach(done, 'nothing left behind', faults.join('; '))
  })
}

async function watchResources(use: () => Promise<void>, check: (resources: Resources) => Promise<void>) {
  const resources = new Resources()
  resources.begin()
  try {
    await use()
    await check(resources)
  } finally {
    resources.end()
  }
}
