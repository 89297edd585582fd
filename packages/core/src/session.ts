import { inspect } from 'node:util'
import type { Draft, Update } from './draft.js'
import { SessError } from './error.js'
import type { Json } from './fields.js'
import { readOnly } from './read-only.js'

/** The methods of every session, which no key can be called. The list is closed. */
export type ReservedKey = 'update' | 'take' | 'regenerate' | 'destroy' | 'save'

/**
 * `D`, if a session can hold it. A key that is one of the session's own methods, and a type that JSON
 * cannot carry, is replaced by a type that no value has, and that says why.
 */
export type Storable<D> = object & {
  [K in keyof D]: K extends ReservedKey
    ? Unstorable<`'${K}' is a method of every session: choose another key`>
    : K extends string
      ? StorableValue<Exclude<D[K], undefined>> | undefined
      : Unstorable<'a session has strings as keys'>
}

declare const reason: unique symbol

/** Not the sentence itself: in a union with `string` that would be lost. */
interface Unstorable<Why extends string> {
  readonly [reason]: Why
}

type StorableValue<V> = V extends string | number | boolean | null | readonly Json[]
  ? V
  : V extends undefined
    ? never
    : V extends bigint | symbol | AnyFunction
      ? Unstorable<'JSON cannot carry this: store a string or a number'>
      : V extends readonly unknown[]
        ? { [K in keyof V]: StorableValue<V[K]> }
        : V extends object
          ? StorableObject<V>
          : Unstorable<'JSON cannot carry this: name a narrower type'>

/** An instance of a class is known by its methods. */
type StorableObject<V extends object> = [keyof V] extends [never]
  ? Unstorable<'JSON cannot carry this: name a narrower type'>
  : V extends (string extends keyof V ? Json : never)
    ? V
    : [MethodOf<V>] extends [never]
      ? { [K in keyof V]: K extends symbol ? Unstorable<'JSON cannot carry symbols as keys'> : StorableValue<V[K]> }
      : Unstorable<'JSON cannot carry an object with methods: store what it is made of'>

type AnyFunction = ((...args: never) => unknown) | (abstract new (...args: never) => unknown)

type MethodOf<V> = {
  [K in keyof V]-?: [0] extends [1 & V[K]] ? never : [Extract<V[K], AnyFunction>] extends [never] ? never : K
}[keyof V]

/** The hash itself: any key may be missing. */
export type Data<D> = { [K in keyof D]?: D[K] | undefined }

/** What a session holds when no type is given. */
export type AnyData = Record<string, Json>

/**
 * A session, used like a hash: read a key, assign it, remove it by `delete` or by assigning
 * `undefined`. Changes are stored before the response leaves. A change throws `INVALID_VALUE` for
 * what JSON cannot carry, `RESERVED_KEY` for the name of a method, and `SEALED` once the response has
 * begun.
 */
export type Session<D> = Data<D> & SessionMethods<D>

/** What every session can do. Each throws the errors of a change: `INVALID_VALUE`, `RESERVED_KEY`, `SEALED`. */
export interface SessionMethods<D> {
  /**
   * Changes one key by a pure function of its value. Where another request has changed the key in the
   * meantime, the function runs again on the newest value, so that no change is lost. `null` and
   * `undefined` remove the key.
   */
  readonly update: <K extends keyof D & string>(
    key: K,
    change: (value: D[K] | undefined) => D[K] | null | undefined,
  ) => D[K] | undefined
  /** Reads a key and removes it: what is shown once. */
  readonly take: <K extends keyof D & string>(key: K) => D[K] | undefined
  /**
   * At each login: moves the session to a new token and restarts both timeouts (OWASP ASVS 5.0, 7.2.4).
   * Carried out when the response begins.
   */
  readonly regenerate: () => void
  /** Ends the session: at each logout. Carried out when the response begins; what is assigned after it begins another. */
  readonly destroy: () => void
  /**
   * Stores the changes now, and rejects where they cannot be stored: `CONFLICT`, `TOO_LARGE`, or what the store says.
   * Optional: the response does it anyway.
   */
  readonly save: () => Promise<void>
}

/** What the hash asks of the exchange that it belongs to. */
export interface SessionOwner {
  /** Without counting as a read. */
  keys(): readonly string[]
  readonly handle: string | undefined
  /** Throws where the session can no longer change. */
  assertOpen(): void
  readonly isSealed: boolean
  regenerate(): void
  destroy(): void
  save(): Promise<void>
}

/** Known to this module alone. By a WeakMap every session of every request would cost its part of each collection. */
const OWNER: unique symbol = Symbol('owner')

interface Owned {
  readonly [OWNER]?: SessionOwner
}

/** The owner of what `createSession` made. */
export function ownerOf(session: object): SessionOwner | undefined {
  return (session as Owned)[OWNER]
}

/** What a log shows in place of a session: its keys alone. */
class Inspected {
  [inspect.custom](): string {
    const keys = ownerOf(this)?.keys() ?? []
    return `Session {${keys.map((key) => ` ${inspect(key)}: [hidden]`).join(',')} }`
  }
}

/** Of every session, since all that differs is behind the traps, and none lets it be altered. */
const TARGET = new Inspected()

export function createSession(owner: SessionOwner, draft: Draft): Session<AnyData> {
  const session: unknown = new Proxy(TARGET, new Hash(owner, draft))
  // The traps answer for every key as the type says.
  return session as Session<AnyData>
}

class Hash implements ProxyHandler<object> {
  readonly #owner: SessionOwner
  readonly #draft: Draft
  #methods: ReadonlyMap<string, unknown> | undefined

  constructor(owner: SessionOwner, draft: Draft) {
    this.#owner = owner
    this.#draft = draft
  }

  get(target: object, key: string | symbol): unknown {
    if (typeof key === 'symbol') return key === OWNER ? this.#owner : Reflect.get(target, key)
    if (isReserved(key)) return (this.#methods ??= methodsOf(this.#owner, this.#draft)).get(key)
    const value = this.#draft.read(key)
    return this.#owner.isSealed ? readOnly(value, sealed) : value
  }

  set(_target: object, key: string | symbol, value: unknown): boolean {
    this.#owner.assertOpen()
    this.#draft.assign(assertKey(key), value)
    return true
  }

  deleteProperty(_target: object, key: string | symbol): boolean {
    this.#owner.assertOpen()
    this.#draft.assign(assertKey(key), undefined)
    return true
  }

  has(target: object, key: string | symbol): boolean {
    if (typeof key === 'symbol') return Reflect.has(target, key)
    return isReserved(key) || this.#draft.read(key) !== undefined
  }

  ownKeys(): string[] {
    return this.#draft.keys()
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
    'The session was changed after the response began, when it had been stored already. Change it before the first write, end or redirect.',
  )
}

function methodsOf(owner: SessionOwner, draft: Draft): ReadonlyMap<string, unknown> {
  const methods = {
    update(key: string, change: Update): unknown {
      owner.assertOpen()
      assertKey(key)
      if (typeof change !== 'function') {
        throw new SessError('INVALID_VALUE', 'session.update takes a key and a function of its value.')
      }
      return draft.update(key, change)
    },
    take(key: string): unknown {
      owner.assertOpen()
      return draft.take(assertKey(key))
    },
    regenerate(): void {
      owner.assertOpen()
      draft.insist()
      owner.regenerate()
    },
    destroy(): void {
      owner.assertOpen()
      owner.destroy()
    },
    async save(): Promise<void> {
      owner.assertOpen()
      await owner.save()
    },
  } satisfies Record<ReservedKey, unknown>
  return new Map(Object.entries(methods))
}

const RESERVED: ReadonlySet<string> = new Set<ReservedKey>(['update', 'take', 'regenerate', 'destroy', 'save'])

function isReserved(key: string): key is ReservedKey {
  return RESERVED.has(key)
}

function assertKey(key: unknown): string {
  if (typeof key !== 'string') throw new SessError('INVALID_VALUE', 'A session has strings as keys.')
  if (!isReserved(key)) return key
  throw new SessError('RESERVED_KEY', `'${key}' is a method of every session: choose another key.`)
}
