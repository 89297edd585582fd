import { type Sessions, sessions } from '@sess/core'
import type { Entry, ServerStore } from '@sess/core/adapter'
import { vi } from 'vitest'
import { Clock, HOUR } from './clock.ts'
import { CountedStore } from './counted-store.ts'
import { Stage } from './interleaving.ts'
import { type Aftermath, broken, type PromiseName } from './oracle.ts'
import type { Fields } from './serial.ts'
import { CLEARED, INITIAL, type Program, type Shop, visit, type Visit } from './program.ts'

const SECRET = 'a secret for tests, of 32 bytes or more'
const IDLE = 24 * HOUR
/** How long a swap has its turn, in milliseconds. */
const LEASE = 250

export interface RaceOptions {
  /** Gives each request its own `Sessions`, as in several processes; by default all share one. */
  readonly apart?: boolean
  /** Lets each request swap by itself, as on Cloudflare Workers. Call `pause` for each pause. */
  readonly inTurn?: boolean
  /** Makes every request also due to extend the session. */
  readonly due?: boolean
}

/** A play that broke promises, with a readable account of it. */
export interface Failure {
  readonly unkept: readonly PromiseName[]
  readonly story: string
}

/** Notes the keys that tombstones name: every request that reads a tombstone then knows them. */
class WatchedStore extends CountedStore {
  readonly successors = new Set<string>()

  override async update(key: string, entry: Entry, version: string): ReturnType<ServerStore['update']> {
    const next = await super.update(key, entry, version)
    const [, successor] = /^{"to":"([^"]+)"/.exec(entry.data) ?? []
    if (next !== null && successor !== undefined) this.successors.add(successor)
    return next
  }
}

/** Concurrent requests from one browser with one cookie, on a memory store. */
export class Race {
  readonly failures: Failure[] = []
  readonly #stage = new Stage()
  readonly #clock = new Clock()
  readonly #store = new WatchedStore()
  readonly #programs: readonly Program[]
  readonly #options: RaceOptions
  /** Whether several requests of one process swap the same entry. */
  readonly #isGathering: boolean
  /** The store's key of the original session. */
  #key = ''
  /** One per visitor. */
  readonly #sess: readonly Sessions<Shop>[]

  constructor(programs: readonly Program[], options: RaceOptions = {}) {
    this.#programs = programs
    this.#options = options
    this.#isGathering = !options.apart && programs.filter(isSwap).length > 1
    const shared = options.apart ? undefined : this.#sessions('store')
    this.#sess = programs.map((_, index) => shared ?? this.#sessions(nameOf(index)))
  }

  /** Runs the requests in every order; resolves with the number of orders. */
  async explore(): Promise<number> {
    return this.#stage.explore(() => this.#run())
  }

  /** Runs the requests in the one order that `choices` determines. */
  async rehearse(choices: readonly number[]): Promise<void> {
    await this.#stage.rehearse(choices, () => this.#run())
  }

  /** Other requests may go first. Then those that still have their turn have had it for too long. */
  async pause(): Promise<void> {
    await this.#stage.park('a pause')
    vi.advanceTimersByTime(LEASE)
  }

  #sessions(label: string): Sessions<Shop> {
    const store = this.#stage.parking(this.#store, label, {
      isShared: (key) => key === this.#key || this.#store.successors.has(key),
    })
    return sessions({ ...store, deadline: 100 * LEASE }, { secret: SECRET, idleTimeout: IDLE, clock: this.#clock.read })
  }

  async #run(): Promise<void> {
    const began = this.#clock.now
    const cookie = await this.#begin()
    if (this.#options.due) this.#clock.advance(IDLE / 2)
    const visits = await this.#stage.play(
      this.#programs.map((program, index) => {
        const visitor = nameOf(index)
        return () => visit(this.#of(index), cookie, { visitor, program, goOn: () => this.#goOn(visitor, program) })
      }),
    )
    // The session has ended by then unless a request extended it.
    if (this.#options.due) this.#clock.advance(IDLE / 2 + 1)
    const after = await this.#look(cookie, visits)
    const unkept = broken(visits, after, { areTombstonesGone: this.#options.due === true })
    if (unkept.length > 0) this.failures.push({ unkept, story: tell(visits, this.#stage.trace, after) })
    await this.#store.drain()
    this.#clock.now = began
  }

  /**
   * Lets time pass in the handler. Other requests can notice that only if this one swaps the same entry as another
   * request of its process.
   */
  async #goOn(visitor: string, program: Program): Promise<void> {
    if (this.#isGathering && isSwap(program)) await this.#stage.park(`${visitor} goes on`)
  }

  #of(index: number): Sessions<Shop> {
    const sess = this.#sess[index]
    if (sess === undefined) throw new Error(`no visitor ${index}`)
    return sess
  }

  async #begin(): Promise<string> {
    this.#store.take()
    this.#store.successors.clear()
    const exchange = this.#of(0).exchange(null)
    Object.assign(await exchange.open(), structuredClone(INITIAL))
    const [header] = await exchange.commit(200)
    this.#key = this.#store.calls.splice(0)[0]?.key ?? ''
    return header?.[1].split(';')[0] ?? ''
  }

  async #look(cookie: string, visits: readonly Visit[]): Promise<Aftermath> {
    const show = async (token: string) => ({ ...(await this.#of(0).exchange(token).open()) })
    const created = this.#store.calls.filter(({ method }) => method === 'create').map(({ key = '' }) => key)
    const old = await show(cookie)
    const cookies = await Promise.all(
      visits.map(async ({ visitor, cookie: sent }): Promise<[string, Aftermath['cookies'][string]]> => {
        return [visitor, sent === undefined || sent === CLEARED ? sent : await show(sent)]
      }),
    )
    const entries = await Promise.all(created.map((key) => this.#store.read(key)))
    // A session is a list; a tombstone is not.
    const alive = entries.filter(
      (entry) => entry !== null && entry.expiresAt > this.#clock.now && entry.data.startsWith('['),
    )
    const isOldAlive = (await this.#store.read(this.#key))?.data.startsWith('[') === true
    const sessionsLeft = alive.length + (isOldAlive && Object.keys(old).length > 0 ? 1 : 0)
    const isOldLeft = 'mark' in old || alive.some((entry) => entry?.data.includes('"mark"'))
    const browsers = await Promise.all(
      orders(visits).map(async (order) => {
        let jar: string | undefined = cookie
        for (const { cookie: sent } of order) if (sent !== undefined) jar = sent === CLEARED ? undefined : sent
        return jar === undefined ? {} : show(jar)
      }),
    )
    const live = [...alive, await this.#store.read(this.#key)].flatMap(valuesOf)
    return { old, cookies: Object.fromEntries(cookies), sessions: sessionsLeft, isOldLeft, live, browsers }
  }
}

function orders<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((rest) => [item].concat(rest)))
}

function valuesOf(entry: Entry | null): readonly Fields[] {
  const record: unknown = JSON.parse(entry?.data ?? 'null')
  const values: unknown = Array.isArray(record) ? record[3] : undefined
  return typeof values === 'object' && values !== null ? [{ ...values }] : []
}

function isSwap(program: Program): boolean {
  return !program.includes('regenerate') && !program.includes('destroy')
}

function nameOf(index: number): string {
  return String.fromCodePoint(65 + index)
}

function tell(visits: readonly Visit[], trace: readonly string[], after: Aftermath): string {
  const lines = visits.map(({ visitor, program, refused, cookie }) => {
    const sent = cookie === undefined || cookie === CLEARED ? cookie : 'a new cookie'
    return `${visitor}: ${program.join(', ')} -> ${refused ? `refused at ${refused.by}` : 'stored'}, ${sent ?? 'no cookie'}`
  })
  return [...lines, `order: ${trace.join(', ')}`, `after: ${JSON.stringify(after)}`].join('\n')
}
