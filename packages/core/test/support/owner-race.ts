import type { AnyData, Session, Sessions, sessions } from '@sess/core'
import { isSessError } from '@sess/core/adapter'
import { processWide } from '../../src/process-wide.ts'
import { Browser } from './browser.ts'
import { Clock, HOUR } from './clock.ts'
import { CutStore, Entries } from './cut-store.ts'
import { type AreIndependent, areApart } from './exploration.ts'
import { Stage } from './interleaving.ts'
import { SECRET } from './secret.ts'

export const USER = 7

/** Makes the sessions that are tried: ours, or a mutant's. */
export type MakeSessions = typeof sessions

/** What one request, or one call of `revoke`, does. */
export type Act =
  | 'login'
  | 'login on a session'
  | 'login again'
  | 'login of another user'
  | 'move'
  | 'change'
  | 'logout'
  | 'extension'
  | 'revoke'
  | 'revoke all others'
  | 'revoke one'

/** What happened to an act. The moments are positions in the order of all that happened. */
interface Done {
  readonly act: Act
  readonly began: number
  readonly ended: number
  /** The cookie that the browser has after it. */
  readonly cookie: string | undefined
  /** It was refused. */
  readonly isRefused: boolean
}

/** A browser that is logged in at the start, one that is not, and what else each play needs. */
interface Scene {
  readonly entries: Entries
  readonly clock: Clock
  readonly device: string
  readonly other: string
  readonly visitor: string
  readonly otherId: string
}

export interface RaceOptions {
  /** Each act is one of another process: no two share what is in memory. */
  readonly isApart?: boolean
  /** So many sessions of the user are there before: more than one roster lists. */
  readonly isSharded?: boolean
  readonly maxPerOwner?: number
  /** Also calls that no other act's depend on may go in any order. */
  readonly isParkingAll?: boolean
  /** Is told of the state after each play. */
  readonly onEnd?: (state: string) => void
}

/** Milliseconds: no call is late, however busy the machine is. */
const DEADLINE = 600_000

const LOGINS: ReadonlySet<Act> = new Set(['login', 'login on a session', 'login again'])

/** Acts on the sessions of one user at the same time, in every order of their store calls. */
export class OwnerRace {
  /** An account of each broken promise. */
  readonly failures: string[] = []
  readonly #acts: readonly Act[]
  readonly #options: RaceOptions
  readonly #make: MakeSessions
  readonly #stage = new Stage((actor) => this.#noteMoment(actor))
  /** `undefined`: no steps are, since acts that share more than the store depend on what is not noted. */
  readonly #areIndependent: AreIndependent | undefined
  #scene: Scene | undefined
  #position = 0
  /** The number of the last moment that core has taken. */
  #tick = 0
  /** The store's key of the session that the device has at the start. */
  #deviceKey = ''

  constructor(acts: readonly Act[], make: MakeSessions, options: RaceOptions = {}) {
    this.#acts = acts
    this.#make = make
    this.#options = options
    this.#areIndependent = options.isApart ? areApart : undefined
  }

  /** Plays one order of each group that differs only in how independent steps are arranged. Resolves with the number played. */
  async explore(): Promise<number> {
    return this.#stage.explore(() => this.#play(), this.#areIndependent)
  }

  /** Plays every order. Resolves with their number. */
  async exploreAll(): Promise<number> {
    return this.#stage.explore(() => this.#play())
  }

  /** Tries one order after the other. Resolves with whether a promise was broken, which ends it. */
  async isBroken(): Promise<boolean> {
    const stop = new Error('A promise was broken.')
    const play = async (): Promise<void> => {
      await this.#play()
      if (this.failures.length > 0) throw stop
    }
    try {
      await this.#stage.explore(play, this.#areIndependent)
    } catch (error) {
      if (error !== stop) throw error
    }
    return this.failures.length > 0
  }

  /** Plays the one order that `choices` determines. */
  async rehearse(choices: readonly number[]): Promise<void> {
    await this.#stage.rehearse(choices, () => this.#play())
  }

  async #play(): Promise<void> {
    this.#scene ??= await this.#prepare()
    const clock = new Clock()
    clock.now = this.#scene.clock.now
    const scene = { ...this.#scene, clock, entries: this.#scene.entries.copy() }
    if (this.#acts.includes('extension')) clock.advance(20 * HOUR)
    this.#position = 0
    const shared = this.#sessions(scene, 'all')
    const done = await this.#stage.play(
      this.#acts.map((act, at) => {
        const sess = this.#options.isApart ? this.#sessions(scene, String(at)) : shared
        return () => this.#perform(act, at, sess, scene)
      }),
    )
    this.#options.onEnd?.(this.#stateOf(done, scene))
    const broken = await this.#broken(done, this.#sessions(scene, 'after'), scene)
    for (const what of broken) this.failures.push(`${what}: ${this.#stage.trace.join(', ')}`)
  }

  #sessions({ entries, clock }: Scene, label: string): Sessions {
    const store = new CutStore(entries)
    const { maxPerOwner } = this.#options
    // The order of calls matters where several acts use what they are about: the lists, and the session of the device.
    const parking = this.#stage.parking(store, label, {
      isShared: (key) => this.#options.isParkingAll === true || isRoster(key) || key === this.#deviceKey,
      randomKeysIn: (text) => keysIn(text).filter((key) => this.#scene?.entries.get(key) === null),
    })
    return this.#make(
      { ...parking, deadline: DEADLINE },
      {
        secret: SECRET,
        clock: clock.read,
        owner: 'user',
        maxPerOwner,
        onError: () => undefined,
      },
    )
  }

  async #prepare(): Promise<Scene> {
    const scene = { entries: new Entries(), clock: new Clock(), device: '', other: '', visitor: '', otherId: '' }
    const sess = this.#sessions(scene, 'before')
    const begin = async (data: object): Promise<Browser> => {
      const browser = new Browser(sess)
      await browser.visit((session) => Object.assign(session, data))
      return browser
    }
    if (this.#options.isSharded) for (let at = 0; at < 64; at++) await begin({ user: USER, filler: at })
    const before = scene.entries.keys()
    const device = await begin({ user: USER })
    this.#deviceKey = scene.entries.keys().find((key) => !isRoster(key) && !before.includes(key)) ?? ''
    const other = await begin({ user: USER })
    const visitor = await begin({ cart: ['emma'] })
    const otherId = (await other.visit((session) => sess.id(session))) ?? ''
    return { ...scene, device: device.cookie, other: other.cookie, visitor: visitor.cookie, otherId }
  }

  async #perform(act: Act, at: number, sess: Sessions, scene: Scene): Promise<Done> {
    // What came before what matters for these; the others begin with a call of the store.
    const isCompared = LOGINS.has(act) || isRevocation(act)
    if (isCompared) await this.#stage.park(`${at} begins`, String(at))
    if (isCompared) this.#stage.note('time', isRevocation(act))
    const began = ++this.#position
    let cookie: string | undefined
    let isRefused = false
    try {
      cookie = await perform(act, sess, scene)
    } catch (error) {
      if (!isSessError(error) || error.code !== 'CONFLICT') throw error
      isRefused = true
    }
    if (isRevocation(act)) this.#stage.note('time', true)
    return { act, began, ended: ++this.#position, cookie, isRefused }
  }

  /** Core compares the moments at which logins and revocations begin, which all that are in one process share. */
  #noteMoment(actor: string): void {
    const { tick } = moments()
    if (tick !== this.#tick) this.#stage.note('time', isRevocation(this.#acts[Number(actor)]))
    this.#tick = tick
  }

  /** What the acts have come to and left in the store, as text without what is random and what is never compared. */
  #stateOf(done: readonly Done[], { entries }: Scene): string {
    const acts = done.map(({ act, began, isRefused, cookie }) => ({
      isRefused,
      hasCookie: cookie !== undefined,
      revocations: LOGINS.has(act)
        ? done.map((one) => isRevocation(one.act) && [began < one.began, one.ended < began])
        : [],
    }))
    const stored = entries.keys().map((key) => {
      const { data = '', expiresAt } = entries.get(key) ?? {}
      const named = data
        .replaceAll(/[\w-]{43,}/g, (word) => this.#stage.nameOf(word))
        .replaceAll(/"[\w-]{12}"/g, 'an id')
        .replaceAll(/"[\w-]{8}",\d+/g, 'a moment')
      return `${this.#stage.nameOf(key)} until ${expiresAt}: ${named}`
    })
    return JSON.stringify([acts, stored.toSorted()])
  }

  async #broken(done: readonly Done[], sess: Sessions, { device, other }: Scene): Promise<readonly string[]> {
    const broken: string[] = []
    const listed = new Set((await sess.owner(USER).sessions()).map(({ id }) => id))
    const isLive = async (cookie: string): Promise<boolean> => (await idOf(sess, cookie)) !== undefined
    const tokens = [device, other, ...done.map(({ cookie }) => cookie ?? '')].filter((cookie) => cookie !== '')
    const ids: string[] = []
    for (const token of new Set(tokens)) {
      const id = await idOf(sess, token)
      if (id === undefined) continue
      ids.push(id)
      if (!listed.has(id)) broken.push('a live session is not listed')
    }
    if (new Set(ids).size < ids.length) broken.push('a session has two live tokens')
    const ofOthers = (act: Act): boolean => act === 'revoke all others'
    for (const revocation of done.filter(({ act }) => act === 'revoke' || ofOthers(act))) {
      const isExcept = ofOthers(revocation.act)
      for (const { act, began, cookie } of done) {
        if (cookie === undefined || !LOGINS.has(act) || !(await isLive(cookie))) continue
        // The session that is spared is the first device's.
        if (began < revocation.began && !(isExcept && act === 'login again'))
          broken.push(`a ${act} that began before ${revocation.act} lives`)
      }
      if (await isLive(other)) broken.push(`a session of before ${revocation.act} lives`)
      if (!isExcept && (await isLive(device))) broken.push(`a session of before ${revocation.act} lives`)
    }
    for (const login of done.filter(({ act }) => act === 'login' || act === 'login on a session')) {
      const isUndisturbed = done.every(
        ({ act, ended }) => !act.startsWith('revoke') || act === 'revoke one' || ended < login.began,
      )
      if (!isUndisturbed) continue
      if (login.isRefused) broken.push(`a ${login.act} after all revocations was refused`)
      else if (login.cookie !== undefined && this.#options.maxPerOwner === undefined && !(await isLive(login.cookie)))
        broken.push(`a ${login.act} after all revocations is dead`)
    }
    if (done.some(({ act }) => act === 'revoke one') && (await isLive(other)))
      broken.push('the one that was revoked lives')
    await sess.owner(USER).revoke()
    for (const token of tokens) if (await isLive(token)) broken.push('a last revocation left one alive')
    return broken
  }
}

function isRevocation(act: Act | undefined): boolean {
  return act?.startsWith('revoke') === true
}

/** What core counts moments by, in all of its copies. */
function moments(): { readonly tick: number } {
  return processWide('@sess/core moments/1', () => ({ tick: 0 }))
}

/** The keys of sessions that a key or an entry's data is or has. */
function keysIn(text: string): readonly string[] {
  return text.match(/(?<![\w-])[\w-]{43}(?![\w-])/g) ?? []
}

/** The key of a session is shorter. */
function isRoster(key: string): boolean {
  return key.length > 43
}

/** Resolves with the cookie of the browser. */
async function perform(act: Act, sess: Sessions, scene: Scene): Promise<string | undefined> {
  const { device, visitor, otherId } = scene
  const visit = async (cookie: string, use: (session: Session<AnyData>) => unknown): Promise<string> => {
    const exchange = sess.exchange(cookie)
    await use(await exchange.open())
    const headers = await exchange.commit(200)
    const line = headers.find(([name]) => name === 'set-cookie')?.[1]
    return line === undefined ? cookie : (line.split(';')[0] ?? '')
  }
  const logIn = (session: Session<AnyData>): unknown => (session['user'] = USER)
  switch (act) {
    case 'login':
      return visit('', logIn)
    case 'login on a session':
      return visit(visitor, logIn)
    case 'login again':
      return visit(device, (session) => {
        logIn(session)
        session.regenerate()
      })
    case 'login of another user':
      return visit(device, (session) => (session['user'] = 8))
    case 'move':
      return visit(device, (session) => session.regenerate())
    case 'change':
      return visit(device, (session) => (session['theme'] = 'dark'))
    case 'logout':
      return visit(device, (session) => session.destroy())
    case 'extension':
      return visit(device, () => undefined)
    case 'revoke':
      await sess.owner(USER).revoke()
      return undefined
    case 'revoke all others':
      return visit(device, (session) => sess.owner(USER).revoke({ except: session }))
    default:
      await sess.owner(USER).revoke({ id: otherId })
      return undefined
  }
}

/** The name of the user's live session that this cookie can change. */
async function idOf(sess: Sessions, cookie: string): Promise<string | undefined> {
  const exchange = sess.exchange(cookie)
  const session = await exchange.open()
  if (session['user'] !== USER) return undefined
  const id = sess.id(session)
  session['touched'] = cookie.length
  // The token of a session that has moved shows what it held, and stores nothing.
  return exchange.commit(200).then(
    () => id,
    () => undefined,
  )
}
