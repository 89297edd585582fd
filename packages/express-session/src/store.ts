import { EventEmitter } from 'node:events'
import {
  type Duration,
  duration,
  type Entry,
  MAX_TIME,
  type NameOrAdapter,
  openStore,
  SessError,
  type StandaloneOptions,
  type StandaloneStore,
  type Stored,
  type StoreOptions,
} from '@sess/core/adapter'
import { endOf, equalButEnd, jsonOf, merged, valuesOf } from './store/json.js'
import { Session } from './store/session.js'
import type { Callback, SessionMethods, SessionRequest, StoredData } from './store/types.js'

/** The options of `SessStore` for every store. Those of the adapter go next to them. */
export interface SessStoreOptions extends StandaloneOptions {
  /**
   * How long a session lives without use if its cookie has no `expires`, so ends with the browser: a number of milliseconds,
   * or a text such as `'1d'`. Default: one day.
   */
  readonly ttl?: Duration | undefined
}

const DAY = 24 * 60 * 60 * 1000

/** A session that is used moves its end only by at least this part of its lifetime: most requests then write nothing. */
const STEP = 1 / 20
/** Up to this lifetime, each use moves the end: a twentieth of a minute is what a user notices. */
const SHORT_MS = 5 * 60 * 1000

/** What the store knows of an object that was read, or stored, as a session. */
interface Known {
  readonly sid: string
  /** What the object showed when it was read or last stored: what it shows later was changed if it differs. */
  json: string
  /** The newest state that was seen. `null`: it has ended. `undefined`: it is not stored yet. */
  stored: Stored | null | undefined
  /** The object's writes are made in turn. Never rejects. */
  turn: Promise<unknown>
}

/**
 * A store for express-session over any store of `@sess` on a server, by the name of its adapter, or an adapter.
 *
 *     app.use(session({ store: new SessStore('redis', { url }), secret, resave: false, saveUninitialized: false }))
 *
 * Requests that change one session at the same time are merged by key. A session that was read and has ended since is not
 * written again: `set` and `touch` then store nothing, and report no error. Errors that callbacks get are `SessError`s, and
 * `onError` gets those of calls without a callback.
 *
 * Throws as `openStore` does.
 */
export class SessStore<A extends NameOrAdapter = NameOrAdapter> extends EventEmitter {
  readonly #store: StandaloneStore
  readonly #clock: () => number
  readonly #onError: (error: unknown) => void
  readonly #ttl: number
  readonly #known = new WeakMap<object, Known>()
  /** The sessions that are being created, by their ids. The promises never reject. */
  readonly #creations = new Map<string, Promise<unknown>>()

  constructor(nameOrAdapter: A, options?: SessStoreOptions & StoreOptions<A>)
  constructor(nameOrAdapter: NameOrAdapter, options: SessStoreOptions = {}) {
    super()
    const isObject = typeof options === 'object' && options !== null && !Array.isArray(options)
    const { ttl, ...others } = isObject ? options : {}
    this.#ttl = ttl === undefined ? DAY : duration(ttl, 'SessStore.ttl')
    this.#store = openStore(nameOrAdapter, isObject ? others : options, SessStore)
    this.#clock = options.clock ?? (() => Date.now())
    // oxlint-disable-next-line no-console -- Without an `onError`, the console is the only place for errors.
    this.#onError = options.onError ?? ((error) => console.error(error))
  }

  /** Gives a request a new session. express-session sets it. */
  generate?(request: SessionRequest): void

  /**
   * Reads a session. The callback gets `null` if there is none, or it has ended. Nobody checks that what is stored is an `S`.
   *
   * `CORRUPT`: what is stored is not the JSON of a session.
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the application declares what its sessions hold
  get<S extends object = StoredData>(sid: string, callback: (error: unknown, data?: S | null) => void): void {
    this.#read<S>(sid).then(
      (data) => process.nextTick(callback, null, data),
      (error: unknown) => process.nextTick(callback, error),
    )
  }

  /**
   * Stores a session. One that came from `get`, or that was stored before, is stored only if it has not ended, and merged with
   * what others have stored since. Any other is created, or replaces what is stored. One whose cookie has ended is removed.
   *
   * `INVALID_VALUE`: JSON cannot carry the session. `TOO_LARGE`: it is larger than the store's `maxBytes`. `CONFLICT`: others
   * changed it each time that this call tried to.
   */
  set(sid: string, session: object, callback?: Callback): void {
    this.#answer(this.#set(sid, session), callback)
  }

  /** Ends a session. What other requests store in it after that is not stored. */
  destroy(sid: string, callback?: Callback): void {
    this.#answer(this.#destroy(sid), callback)
  }

  /**
   * Moves the end of a session that was used, and stores its cookie. Nothing is written if the end moves by less than a
   * twentieth of the session's lifetime, which is more than five minutes, and its cookie has not changed otherwise; or if the
   * session has ended.
   */
  touch(sid: string, session: object, callback?: Callback): void {
    this.#answer(this.#touch(sid, session), callback)
  }

  /** Ends the session of a request, and gives the request a new one. */
  regenerate(request: SessionRequest, callback: Callback): void {
    this.destroy(request.sessionID, (error) => {
      let failure = error
      try {
        if (this.generate === undefined) throw withoutGenerate()
        this.generate(request)
      } catch (thrown) {
        failure ??= thrown
      }
      callback(failure)
    })
  }

  /** Reads a session, as an object with the methods of `req.session`, without a request. No session: no second argument. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as for get
  load<S extends object = StoredData>(
    sid: string,
    callback: (error?: unknown, session?: SessionMethods & S) => void,
  ): void {
    this.get<S>(sid, (error, data) => {
      let failure = error
      let session: (SessionMethods & S) | undefined
      try {
        if (data) session = this.createSession({ sessionID: sid, sessionStore: this }, data)
      } catch (thrown) {
        failure = thrown
      }
      if (session === undefined) callback(failure)
      else callback(null, session)
    })
  }

  /** Makes `request.session` from what `get` returned. Throws `CORRUPT` for data without a cookie. */
  createSession<S extends object>(request: SessionRequest, data: S): SessionMethods & S {
    const session = new Session(request, data)
    const known = this.#known.get(data)
    if (known !== undefined) this.#known.set(session, { ...known })
    request.session = session
    // It has the keys of `data`, except those that are names of its methods.
    return session as SessionMethods as SessionMethods & S
  }

  /** Waits for the calls in flight, and releases the backend. Later calls fail with `CLOSED`. */
  close(): Promise<void> {
    return this.#store.close()
  }

  // The symbol is declared in `lib` esnext.disposable, or by @types/node.
  /** @ts-ignore An older `lib` does not declare this symbol. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Callbacks are called outside of the promises: what they throw is an uncaught exception, as with other stores. */
  #answer(work: Promise<void>, callback: Callback | undefined): void {
    work.then(
      () => callback && process.nextTick(callback),
      (error: unknown) => process.nextTick(callback ?? this.#onError, error),
    )
  }

  async #read<S extends object>(sid: string): Promise<S | null> {
    const stored = await this.#store.read(sid)
    if (stored === null) return null
    const data = this.#valuesOf(stored.data)
    this.#known.set(data, newKnown(sid, stored))
    // What the caller says it is.
    return data as object as S
  }

  // Async, like the others: a bad argument goes to the callback. All that depends on the session is read before the first
  // await, since the application may go on to change it.
  async #set(sid: string, session: object): Promise<void> {
    const json = jsonOf(session)
    const end = this.#endOf(cookieOf(session))
    const state = this.#knownOf(sid, session) ?? newKnown(sid, undefined)
    this.#known.set(session, state)
    const written = inTurn(state, () => this.#write(state, { data: json, expiresAt: end }))
    if (state.stored === undefined) this.#noteCreation(sid, written)
    return written
  }

  async #touch(sid: string, session: object): Promise<void> {
    const given = cookieOf(session)
    if (typeof given !== 'object' || given === null) return
    const cookie = this.#valuesOf(jsonOf(given))
    const end = this.#endOf(given)
    const state = this.#knownOf(sid, session) ?? newKnown(sid, await this.#store.read(sid))
    return inTurn(state, () => this.#extend(state, cookie, end))
  }

  async #destroy(sid: string): Promise<void> {
    // A session that is created after its end would be alive again.
    await this.#creations.get(sid)
    await this.#store.destroy(sid)
  }

  async #write(state: Known, mine: Entry): Promise<void> {
    const { sid, stored } = state
    if (stored === null) return
    if (this.#isEnded(state, mine)) return this.#end(state)
    state.stored = stored === undefined ? await this.#create(sid, mine) : await this.#change(state, mine)
    state.json = mine.data
  }

  async #extend(state: Known, cookie: object, end: number): Promise<void> {
    const { stored } = state
    if (stored === null || stored === undefined) return
    if (!this.#isWorth(stored, cookie, end)) return
    const mine = { data: JSON.stringify({ ...this.#valuesOf(state.json), cookie }), expiresAt: end }
    if (this.#isEnded(state, mine)) return this.#end(state)
    state.stored = await this.#change(state, mine, true)
    state.json = mine.data
  }

  /** Whether the object's cookie was given an end that is over. One that it came with may have been moved by others since. */
  #isEnded({ json, stored }: Known, mine: Entry): boolean {
    if (mine.expiresAt > this.#now()) return false
    const [before, after] = [json, mine.data].map((text) => JSON.stringify(this.#valuesOf(text)['cookie']))
    return stored === undefined || before !== after
  }

  /** Whether to write the cookie of a session that was used, and its end. One that ends sooner counts as much as a later one. */
  #isWorth(stored: Stored, cookie: unknown, end: number): boolean {
    const lifetime = end - this.#now()
    const isMoved = Math.abs(end - stored.expiresAt) >= (lifetime > SHORT_MS ? lifetime * STEP : 1)
    return isMoved || !equalButEnd(this.#valuesOf(stored.data)['cookie'], cookie)
  }

  async #end(state: Known): Promise<void> {
    await this.#store.destroy(state.sid)
    state.stored = null
  }

  async #create(sid: string, entry: Entry): Promise<Stored | null> {
    const version = await this.#store.create(sid, entry)
    return version === null ? this.#store.swap(sid, () => entry) : { ...entry, version }
  }

  /**
   * Stores what differs between `mine` and what the object showed before. `null`: the session has ended. `isTouch`: it was
   * used, and others may have written that already.
   */
  #change({ sid, json: base, stored }: Known, mine: Entry, isTouch = false): Promise<Stored | null> {
    const entryAfter = (newest: Stored | null): Entry | undefined => {
      if (newest === null) return undefined
      if (newest.data === base) return mine
      const values = merged({ base, mine: mine.data, newest: newest.data }, (json) => this.#valuesOf(json))
      const end = this.#endOf(values['cookie'])
      if (isTouch && !this.#isWorth(newest, values['cookie'], end)) return undefined
      return { data: JSON.stringify(values), expiresAt: end }
    }
    // Others may have moved the end of a session that this request read a long time ago.
    const isAlive = stored !== null && stored !== undefined && stored.expiresAt > this.#now()
    return this.#store.swap(sid, entryAfter, isAlive ? stored : undefined)
  }

  #noteCreation(sid: string, written: Promise<void>): void {
    const ended = Promise.allSettled([this.#creations.get(sid), written])
    this.#creations.set(sid, ended)
    void ended.then(() => this.#creations.get(sid) === ended && this.#creations.delete(sid))
  }

  #knownOf(sid: string, session: object): Known | undefined {
    const state = this.#known.get(session)
    return state?.sid === sid ? state : undefined
  }

  #valuesOf(json: string): Record<string, unknown> {
    return valuesOf(json, this.#store.name)
  }

  #endOf(cookie: unknown): number {
    return endOf(cookie) ?? Math.min(this.#now() + this.#ttl, MAX_TIME)
  }

  #now(): number {
    return Math.floor(this.#clock())
  }
}

function newKnown(sid: string, stored: Stored | null | undefined): Known {
  return { sid, json: stored?.data ?? '{}', stored, turn: Promise.resolve() }
}

function withoutGenerate(): SessError {
  return new SessError(
    'INVALID_REQUEST',
    'store.regenerate(request) needs express-session to make the new session: pass the store to it, as in session({ store }).',
  )
}

function cookieOf(session: object): unknown {
  return 'cookie' in session ? session.cookie : undefined
}

/** Does the work when the object's earlier writes are made. */
function inTurn(state: Known, work: () => Promise<void>): Promise<void> {
  const done = state.turn.then(work)
  state.turn = settled(done)
  return done
}

function settled(work: Promise<unknown>): Promise<unknown> {
  return work.catch(() => undefined)
}
