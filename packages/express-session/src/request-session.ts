import type { BridgedSession } from '@sess/core/bridge'
import { SessError } from '@sess/core/adapter'
import { type Ageing, RequestCookie } from './cookie.js'
import type { Callback } from './store/types.js'
import type { RequestSession, SessionData } from './types.js'
import { warnOnce } from './warnings.js'

/** The request that a session belongs to, as far as its methods change what `req.session` is. */
export interface SessionPlace {
  readonly request: object
  /** Another view of the session takes the place of this one. */
  replace(view: RequestSession<SessionData> | undefined): void
}

/** Where a view finds its values: the session, or what it held when it left the request. */
interface Values extends Ageing {
  readonly id: string
  keys(): readonly string[]
  get(key: string): unknown
  set(key: string, value: unknown): void
}

/** `req.session` over a session of `@sess`. */
export function requestSession(bridged: BridgedSession, place: SessionPlace): RequestSession<SessionData> {
  const view: unknown = new Proxy(new View(bridged, place), TRAPS)
  // The traps answer for every key of the data.
  return view as RequestSession<SessionData>
}

/** Methods that were replaced, and what a proxy may not show. */
class View {
  readonly #bridged: BridgedSession
  readonly #place: SessionPlace
  readonly #cookie: RequestCookie
  #values: Values

  constructor(bridged: BridgedSession, place: SessionPlace) {
    this.#bridged = bridged
    this.#place = place
    this.#values = new Live(bridged)
    this.#cookie = new RequestCookie(this.#values)
  }

  static valuesOf(view: View): Values {
    return view.#values
  }

  get id(): string {
    return this.#values.id
  }

  get req(): object {
    return this.#place.request
  }

  get cookie(): RequestCookie {
    return this.#cookie
  }

  save(callback?: Callback): void {
    answer(this.#bridged.save(), callback)
  }

  reload(callback?: Callback): void {
    answer(this.#reload(), callback)
  }

  async #reload(): Promise<void> {
    const kept = this.#snapshot()
    if (!(await this.#bridged.reload())) {
      throw new SessError('CONFLICT', 'The session cannot be read again: it is not stored, or it has ended or moved.')
    }
    this.#leave(kept)
    this.#place.replace(requestSession(this.#bridged, this.#place))
  }

  destroy(callback?: Callback): void {
    this.#leave(this.#snapshot())
    this.#place.replace(undefined)
    answer(this.#bridged.end(), callback ?? (this.#bridged.isSealed ? warnNotEnded : undefined))
  }

  regenerate(callback?: Callback): void {
    this.#leave(this.#snapshot())
    this.#place.replace(requestSession(this.#bridged, this.#place))
    answer(this.#renew(), callback)
  }

  /** After the response began, what is assigned cannot be stored, but the session that was there ends. */
  async #renew(): Promise<void> {
    if (this.#bridged.isSealed) await this.#bridged.end()
    this.#bridged.renew()
  }

  /** What a log shows: only the keys, as of every session of `@sess`. `this` is the proxy. */
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    _options: object,
    inspect: (value: string) => string,
  ): string {
    return `Session {${Object.keys(this)
      .map((key) => ` ${inspect(key)}: [hidden]`)
      .join(',')} }`
  }

  /** Middleware keeps a session that it has regenerated, to copy its values into the new one. */
  #leave(kept: Values): void {
    this.#values = kept
    this.#cookie.detach()
  }

  #snapshot(): Values {
    const { id, maxAge } = this.#values
    return new Left(id, maxAge, new Map(this.#values.keys().map((key) => [key, this.#values.get(key)])))
  }
}

class Live implements Values {
  readonly #bridged: BridgedSession

  constructor(bridged: BridgedSession) {
    this.#bridged = bridged
  }

  get id(): string {
    return this.#bridged.id
  }

  get maxAge(): number | undefined {
    return this.#bridged.cookieMaxAge
  }

  /** A session keeps no timeout of its own where the options say the same: it follows them when they change. */
  set maxAge(ms: number | undefined) {
    if (ms !== this.maxAge && !this.#isLate()) this.#bridged.maxAge = ms
  }

  keys(): readonly string[] {
    return this.#bridged.keys()
  }

  get(key: string): unknown {
    return this.#bridged.get(key)
  }

  set(key: string, value: unknown): void {
    if (!this.#isLate()) this.#bridged.set(key, value)
  }

  #isLate(): boolean {
    if (this.#bridged.isSealed) {
      warnOnce(
        'SESS_LATE_CHANGE',
        'req.session was changed after the response began, which is not stored. Change it before the first res.writeHead, res.write, res.end, res.send or res.redirect. express-session stores what changes between res.write and res.end, and in save() after that.',
      )
    }
    return this.#bridged.isSealed
  }
}

class Left implements Values {
  readonly id: string
  maxAge: number | undefined
  readonly #values: Map<string, unknown>

  constructor(id: string, maxAge: number | undefined, values: Map<string, unknown>) {
    this.id = id
    this.maxAge = maxAge
    this.#values = values
  }

  keys(): readonly string[] {
    return [...this.#values.keys()]
  }

  get(key: string): unknown {
    return this.#values.get(key)
  }

  set(key: string, value: unknown): void {
    if (value === undefined) this.#values.delete(key)
    else this.#values.set(key, value)
  }
}

/** Calls back as Node does: once, later, and so that what the callback throws is not taken for a failure of the call. */
function answer(call: Promise<void>, callback: Callback | undefined): void {
  const done = callback ?? ((): void => undefined)
  call.then(
    () => process.nextTick(done),
    (error: unknown) => process.nextTick(done, error),
  )
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'an error'
}

function warnNotEnded(error?: unknown): void {
  if (error === undefined) return
  warnOnce(
    'SESS_LATE_DESTROY',
    `req.session.destroy() was called after the response began and did not end the session (${reasonOf(error)}): the user is still logged in. Call it before res.redirect or res.end.`,
  )
}

/** Each answers with the session, for chains of calls. */
const METHODS: Readonly<Record<string, (view: View, callback?: Callback) => void>> = {
  save: (view, callback) => view.save(callback),
  reload: (view, callback) => view.reload(callback),
  destroy: (view, callback) => view.destroy(callback),
  regenerate: (view, callback) => view.regenerate(callback),
  // Sessions are extended by use.
  touch: () => undefined,
  resetMaxAge: () => undefined,
}

const TRAPS: ProxyHandler<View> = {
  get(view, key): unknown {
    if (typeof key === 'symbol') return Reflect.get(view, key)
    if (!isOfView(view, key)) return View.valuesOf(view).get(key)
    const method = Object.hasOwn(view, key) ? undefined : METHODS[key]
    if (method === undefined) return Reflect.get(view, key, view)
    return function call(this: unknown, callback?: Callback): unknown {
      method(view, callback)
      return this
    }
  },
  set(view, key, value: unknown) {
    if (key === 'cookie') return assignCookie(view, value)
    if (key === 'id' || key === 'req') return false
    // A method may be replaced by a function, as some middleware does. It is not stored.
    if (typeof key === 'symbol' || isOfView(view, key)) return Reflect.defineProperty(view, key, { ...HIDDEN, value })
    View.valuesOf(view).set(key, value)
    return true
  },
  has: (view, key) =>
    typeof key === 'symbol' ? key in view : isOfView(view, key) || View.valuesOf(view).get(key) !== undefined,
  deleteProperty(view, key) {
    if (typeof key === 'symbol' || isOfView(view, key)) return Reflect.deleteProperty(view, key)
    View.valuesOf(view).set(key, undefined)
    return true
  },
  defineProperty(view, key, descriptor) {
    if (typeof key === 'string' && !isOfView(view, key) && 'value' in descriptor && descriptor.enumerable === true) {
      View.valuesOf(view).set(key, descriptor.value)
      return true
    }
    return Reflect.defineProperty(view, key, { ...descriptor, configurable: true })
  },
  ownKeys: (view) => ['cookie', ...View.valuesOf(view).keys(), ...Reflect.ownKeys(view)],
  getOwnPropertyDescriptor(view, key) {
    const own = Reflect.getOwnPropertyDescriptor(view, key)
    if (own !== undefined || typeof key === 'symbol') return own
    const value: unknown =
      key === 'cookie' ? view.cookie : isOfView(view, key) ? undefined : View.valuesOf(view).get(key)
    return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true }
  },
}

/** Whether a key is not one of the data: express-session restores no such key either. */
function isOfView(view: View, key: string): boolean {
  return key in METHODS || key in view
}

const HIDDEN = { writable: true, enumerable: false, configurable: true }

/** Middleware that copies a session copies its cookie too: what counts of it is how long the session lives. */
function assignCookie(view: View, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    throw new SessError('INVALID_VALUE', 'req.session.cookie cannot be replaced: assign its maxAge or expires.')
  }
  const maxAge: unknown = Reflect.get(value, 'originalMaxAge') ?? Reflect.get(value, 'maxAge')
  view.cookie.maxAge = typeof maxAge === 'number' ? maxAge : null
  return true
}
