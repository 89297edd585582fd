import { Application, type Exit } from './application.ts'
import { comesTrue } from './condition.ts'
import { DEADLINE, type Fault, type Scene } from './fault.ts'
import { ask, type Reply } from './http.ts'
import { type Complaint, type Terms, Visitor } from './visitor.ts'

/** Milliseconds that a request may take, and that a process may take to end: some more where the machine is busy. */
export const LIMIT: number = DEADLINE + 1500

const VISITORS = 2
/** Writes of each visitor that go well, before the fault and after it. */
const WRITES = 10

export interface Outcome {
  readonly complaints: readonly Complaint[]
  /** Visitors have come to see what shows of the fault. */
  readonly hasShown: boolean
  /** What those visitors were told last whose writes afterwards were not acknowledged. */
  readonly stranded: readonly string[]
  /** What there is more of than in a process that has seen nothing, once nobody visits. */
  readonly leaks: Readonly<Record<string, number>>
  readonly stderr: string
  /** Of a process that was asked to end while the fault lasted. */
  readonly exitAmid: Exit
  /** Of the process that went through it. */
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

  /** Waits for writes of each visitor to be acknowledged; resolves with what was told last to those who wait in vain. */
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

/** Goes through a fault with two applications, of which one is asked to end in the middle of it. */
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

/** The fault begins; resolves with whether it shows. */
async function fall(fault: Fault, scene: Scene, [site, other]: readonly [Site, Site]): Promise<boolean> {
  site.terms.mayLose = other.terms.mayLose = !fault.keeps
  site.terms.mayBeCutOff = fault.isFatal
  for (const visitor of site.visitors) visitor.failures = 0
  await scene.begin(site.application)
  if (fault.shows === 'nothing') return true
  // The others may have been logged out.
  if (fault.shows === 'loss') return comesTrue(() => site.visitors.some(({ losses }) => losses > 0))
  return comesTrue(() => site.visitors.every(({ failures }) => failures > 0))
}

type Counts = Reply['body']

const countsOf = async ({ port }: Application): Promise<Counts> => (await ask(port, 'GET /process')).body

const usual = new Map<string, Counts>()

/** What there is in a process on that adapter that has served and rests. */
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
