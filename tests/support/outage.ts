import { Application, type Exit } from './application.ts'
import { comesTrue } from './condition.ts'
import { DEADLINE, type Fault, type Scene } from './fault.ts'
import { ask, type Reply } from './http.ts'
import { type Complaint, type Terms, Visitor } from './visitor.ts'

/** Milliseconds that a request may take, or a process to end: the deadline, plus a margin for a busy machine. */
export const LIMIT: number = DEADLINE + 1500

const VISITORS = 2
/** How many writes of each visitor must succeed before the fault, and again after it. */
const WRITES = 10

export interface Outcome {
  readonly complaints: readonly Complaint[]
  /** Visitors noticed the fault in the way that `Fault.shows` says. */
  readonly hasShown: boolean
  /** The last failure of each visitor whose writes still failed after the fault. */
  readonly stranded: readonly string[]
  /** Resources that exceed those of a process without a fault, once all visitors have left. */
  readonly leaks: Readonly<Record<string, number>>
  readonly stderr: string
  /** The exit of a process that got SIGTERM during the fault. */
  readonly exitAmid: Exit
  /** The exit of the process that went through the fault. */
  readonly exitAfter: Exit
}

/** An application and its visitors. */
class Site {
  readonly application: Application
  readonly terms: Terms = { limit: LIMIT, mayLose: false, mayBeCutOff: false }
  readonly visitors: readonly Visitor[]

  constructor(application: Application) {
    this.application = application
    this.visitors = Array.from({ length: VISITORS }, (_, index) => new Visitor(application, this.terms, index > 0))
  }

  /** Waits until each visitor's writes succeed. Resolves with the last failures of the visitors whose writes do not. */
  async serve(): Promise<readonly string[]> {
    const goals = this.visitors.map((visitor) => ({ visitor, goal: visitor.acknowledged + WRITES }))
    const waiting = () => goals.filter(({ visitor, goal }) => visitor.acknowledged < goal)
    await comesTrue(() => waiting().length === 0)
    return waiting().map(({ visitor }) => visitor.lastFailure)
  }

  async close(): Promise<readonly Complaint[]> {
    await Promise.all(this.visitors.map((visitor) => visitor.leave()))
    return this.visitors.flatMap(({ complaints }) => complaints)
  }
}

/** Runs two applications through a fault. One of them gets SIGTERM in the middle of it. */
export async function goThrough(fault: Fault): Promise<Outcome> {
  const scene = await fault.prepare()
  const applications: Application[] = []
  const start = async (): Promise<Application> => {
    const application = await Application.start(fault.adapter, scene.options)
    applications.push(application)
    return application
  }
  try {
    return await watch(fault, scene, start)
  } finally {
    await Promise.all(applications.map((application) => application.kill()))
    await scene.stop()
  }
}

async function watch(fault: Fault, scene: Scene, start: () => Promise<Application>): Promise<Outcome> {
  const [application, leaving] = await Promise.all([start(), start()])
  const [site, other] = [new Site(application), new Site(leaving)]
  if (!fault.isEarly) await Promise.all([site.serve(), other.serve()])

  const hasShown = await fall(fault, scene, [site, other])
  other.terms.mayBeCutOff = true
  const exitAmid = await other.application.terminate()
  const otherComplaints = await other.close()

  await scene.end(site.application)
  site.terms.mayBeCutOff = false
  const stranded = await site.serve()
  const complaints = [...otherComplaints, ...(await site.close())]
  const leaks = await leaksOf(site.application, await usualOf(fault.adapter, start))
  const exitAfter = await site.application.terminate()
  const stderr = other.application.stderr + site.application.stderr
  return { complaints, hasShown, stranded, leaks, stderr, exitAmid, exitAfter }
}

/** Begins the fault. Resolves with whether visitors notice it. */
async function fall(fault: Fault, scene: Scene, [site, other]: readonly [Site, Site]): Promise<boolean> {
  site.terms.mayLose = other.terms.mayLose = !fault.keeps
  site.terms.mayBeCutOff = fault.isFatal
  for (const visitor of site.visitors) visitor.failures = 0
  await scene.begin(site.application)
  if (fault.shows === 'nothing') return true
  // Only some visitors: the others may have been logged out.
  if (fault.shows === 'loss') return comesTrue(() => site.visitors.some(({ losses }) => losses > 0))
  return comesTrue(() => site.visitors.every(({ failures }) => failures > 0))
}

type Counts = Reply['body']

const countsOf = async ({ port }: Application): Promise<Counts> => (await ask(port, 'GET /process')).body

const usual = new Map<string, Counts>()

/** The resources of an idle process that has served one request with this adapter. */
async function usualOf(adapter: string, start: () => Promise<Application>): Promise<Counts> {
  const known = usual.get(adapter)
  if (known !== undefined) return known
  const application = await start()
  await ask(application.port, 'POST /increment')
  const counts = await countsOf(application)
  usual.set(adapter, counts)
  return counts
}

async function leaksOf(application: Application, counts: Counts): Promise<Outcome['leaks']> {
  let leaks: [string, number][] = []
  await comesTrue(async () => {
    const more = Object.entries(await countsOf(application)).map(([kind, count]): [string, number] => [
      kind,
      Number(count) - Number(counts[kind] ?? 0),
    ])
    leaks = more.filter(([, count]) => count > 0)
    return leaks.length === 0
  })
  return Object.fromEntries(leaks)
}
