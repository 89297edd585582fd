import { SessError } from '../error.js'
import { describe } from '../options/check.js'
import { processWide } from '../process-wide.js'
import type { Draft, Update } from './draft.js'
import { type BridgedSession, bridgedSession } from './bridged.js'
import type { SessionLifecycle } from './lifecycle.js'
import { readOnly } from './read-only.js'
import { isReserved } from './reserved.js'
import type { SessionSchema } from './schema.js'
import type { AnyData, ReservedKey, Session } from './session.js'

/**
 * What `Sessions` asks of a session, whichever copy of core made it. It keeps to itself the exchange, which knows the
 * cookie: any code in the process can get at what copies share.
 */
class SessionHandle {
  readonly #lifecycle: SessionLifecycle
  readonly #draft: Draft
  readonly #schema: SessionSchema | undefined

  constructor(lifecycle: SessionLifecycle, draft: Draft, schema: SessionSchema | undefined) {
    this.#lifecycle = lifecycle
    this.#draft = draft
    this.#schema = schema
  }

  bridged(): BridgedSession {
    return bridgedSession(this.#lifecycle, this.#draft, this.#schema)
  }

  get id(): string | undefined {
    return this.#lifecycle.id
  }

  get expiresAt(): Date | undefined {
    return this.#lifecycle.expiresAt
  }

  /** A one-way hash of the token: it opens nothing. */
  get key(): string | undefined {
    return this.#lifecycle.key
  }

  beginAgain(): void {
    this.#lifecycle.beginAgain()
  }

  get loggedInAt(): number | undefined {
    return this.#lifecycle.loggedInAt
  }

  get isSealed(): boolean {
    return this.#lifecycle.isSealed
  }

  keys(): readonly string[] {
    return this.#lifecycle.keys()
  }

  discard(): void {
    this.#lifecycle.discard()
  }
}

/**
 * The key of a session's handle. With a WeakMap instead, each session of each request would slow down garbage
 * collections.
 */
const { HANDLE } = processWide('@sess/core session/1', () => ({ HANDLE: Symbol('session') }))

/** The handle of a session that `createSession` made. */
export function handleOf(session: object): SessionHandle | undefined {
  return (session as Readonly<Record<symbol, SessionHandle | undefined>>)[HANDLE]
}

/** What a log shows of a session: only its keys. */
class Inspected {
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    _options: object,
    inspect: (value: string) => string,
  ): string {
    const keys = handleOf(this)?.keys() ?? []
    return `Session {${keys.map((key) => ` ${inspect(key)}: [hidden]`).join(',')} }`
  }
}

/** One target for all sessions: everything that differs is behind the traps, and no trap alters the target. */
const TARGET = new Inspected()

/** `schema`: that of the slice which the session is for. */
export function createSession(
  owner: SessionLifecycle,
  draft: Draft,
  schema: SessionSchema | undefined,
): Session<AnyData> {
  draft.check(schema)
  const session: unknown = new Proxy(TARGET, new Hash(owner, draft, schema))
  // For every key, the traps return what the type declares.
  return session as Session<AnyData>
}

class Hash implements ProxyHandler<object> {
  readonly #lifecycle: SessionLifecycle
  readonly #draft: Draft
  readonly #schema: SessionSchema | undefined
  #methods: Partial<Record<ReservedKey, unknown>> | undefined

  constructor(owner: SessionLifecycle, draft: Draft, schema: SessionSchema | undefined) {
    this.#lifecycle = owner
    this.#draft = draft
    this.#schema = schema
  }

  get(target: object, key: string | symbol): unknown {
    if (typeof key === 'symbol')
      return key === HANDLE ? new SessionHandle(this.#lifecycle, this.#draft, this.#schema) : Reflect.get(target, key)
    if (isReserved(key))
      return ((this.#methods ??= {})[key] ??= METHODS[key](this.#lifecycle, this.#draft, this.#schema))
    const value = this.#draft.read(key, this.#schema)
    const { refusal } = this.#lifecycle
    return refusal === undefined ? value : readOnly(value, refusal)
  }

  set(_target: object, key: string | symbol, value: unknown): boolean {
    this.#lifecycle.assertOpen()
    this.#draft.assign(assertKey(key), value, this.#schema)
    return true
  }

  deleteProperty(_target: object, key: string | symbol): boolean {
    this.#lifecycle.assertOpen()
    this.#draft.assign(assertKey(key), undefined, this.#schema)
    return true
  }

  has(target: object, key: string | symbol): boolean {
    if (typeof key === 'symbol') return Reflect.has(target, key)
    return isReserved(key) || this.#draft.read(key, this.#schema) !== undefined
  }

  ownKeys(): string[] {
    return this.#draft.keys(this.#schema)
  }

  getOwnPropertyDescriptor(target: object, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key === 'symbol' || isReserved(key)) return undefined
    const value = this.get(target, key)
    return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true }
  }

  getPrototypeOf(): null {
    return null
  }

  defineProperty(): never {
    throw new SessError('INVALID_VALUE', 'A session has no property descriptors: assign the value.')
  }

  setPrototypeOf(): never {
    throw new SessError('INVALID_VALUE', 'A session has no prototype.')
  }

  preventExtensions(): never {
    throw new SessError('INVALID_VALUE', 'A session cannot be frozen: copy it, as in { ...session }.')
  }
}

export function sealed(): SessError {
  return new SessError(
    'SEALED',
    'The session was changed after the response began, too late to be stored. Change it before the first write, end or redirect.',
  )
}

/** Makes the methods of a session, each when it is first asked for. */
const METHODS: Readonly<
  Record<ReservedKey, (lifecycle: SessionLifecycle, draft: Draft, schema: SessionSchema | undefined) => unknown>
> = {
  update:
    (lifecycle, draft, schema) =>
    (key: string, change: Update, ...rest: unknown[]): unknown => {
      lifecycle.assertOpen()
      assertKey(key)
      if (typeof change !== 'function') {
        throw new SessError('INVALID_VALUE', 'session.update takes a key and a function of its value.')
      }
      assertNoMore('update', 'only a key and a function of its value', rest)
      return draft.update(key, change, schema)
    },
  take:
    (lifecycle, draft, schema) =>
    (key: string, ...rest: unknown[]): unknown => {
      lifecycle.assertOpen()
      assertKey(key)
      assertNoMore('take', 'only a key, and returns undefined if the key is missing', rest)
      return draft.take(key, schema)
    },
  regenerate:
    (lifecycle, draft) =>
    (options?: unknown, ...rest: unknown[]): void => {
      lifecycle.assertOpen()
      const remember = readRemember(options)
      assertNoMore('regenerate', ONLY_OPTIONS, rest)
      lifecycle.regenerate(remember)
      draft.forceAssigned()
    },
  destroy:
    (lifecycle) =>
    (...rest: unknown[]): void => {
      lifecycle.assertOpen()
      assertNoMore('destroy', 'no argument', rest)
      lifecycle.destroy()
    },
  // Not async: a wrong argument throws even if the promise is not awaited.
  save:
    (lifecycle) =>
    (...rest: unknown[]): Promise<void> => {
      assertNoMore('save', 'no argument', rest)
      return lifecycle.save()
    },
}

const ONLY_OPTIONS = 'nothing, or { remember: true } or { remember: false }'

function readRemember(options: unknown): boolean | undefined {
  if (options === undefined) return undefined
  if (typeof options === 'object' && options !== null && Object.keys(options).every((name) => name === 'remember')) {
    const remember: unknown = 'remember' in options ? options.remember : undefined
    if (remember === undefined || typeof remember === 'boolean') return remember
  }
  assertNoMore('regenerate', ONLY_OPTIONS, [options])
  return undefined
}

/**
 * A callback that is never called would leave a request without an answer: Passport, for example, passes one to
 * `regenerate` and to `save`.
 */
function assertNoMore(method: ReservedKey, takes: string, rest: readonly unknown[]): void {
  const more = rest.find((value) => value !== undefined)
  if (more === undefined) return
  const instead =
    typeof more === 'function'
      ? ' It calls no callback: `await session.save()` waits until the session is stored. Middleware that was written ' +
        'for express-session, such as Passport, needs a session of that kind: see "Middleware for express-session" in ' +
        'docs/guide/coming-from-express-session.md.'
      : ''
  throw new SessError('INVALID_VALUE', `session.${method} was given ${describe(more)}; it takes ${takes}.${instead}`)
}

function assertKey(key: unknown): string {
  if (typeof key !== 'string') throw new SessError('INVALID_VALUE', 'The keys of a session are strings.')
  if (!isReserved(key)) return key
  throw new SessError('RESERVED_KEY', `'${key}' is a method of every session: choose another key.`)
}
