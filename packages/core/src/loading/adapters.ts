import type { AdapterContext, Store } from '../contract.js'

/**
 * The options of each adapter, by the name that loads it. First-party adapters are listed here; an entry has no effect
 * if its adapter is not installed. Any other adapter adds itself:
 *
 *     declare module '@sess/core' {
 *       interface Adapters { foo: FooOptions }
 *     }
 */
export interface Adapters {
  // An application installs one or two of these. Without @ts-ignore, an application that checks the declarations of its
  // libraries would not compile, since the others are missing. @ts-expect-error would fail if they are installed.
  /** @ts-ignore May not be installed. */
  cookie: import('@sess/adapter-cookie').CookieOptions
  /** @ts-ignore May not be installed. */
  memory: import('@sess/adapter-memory').MemoryOptions
  /** @ts-ignore May not be installed. */
  redis: import('@sess/adapter-redis').RedisOptions
  /** @ts-ignore May not be installed. */
  memcache: import('@sess/adapter-memcache').MemcacheOptions
  /** @ts-ignore May not be installed. */
  sqlite: import('@sess/adapter-sqlite').SqliteOptions
}

/** The options of the adapter with the name `N`. A name that is known only at run time accepts any options. */
export type AdapterOptions<N extends string> = N extends keyof Adapters ? KnownOptions<Adapters[N]> : UnknownOptions

/**
 * `O`, if it is a real type. The options of an adapter that is not installed are `any`, which would leave core's
 * options next to them unchecked. The conditions compare tuples, since TypeScript never decides a condition on the type
 * of an import that failed.
 */
type KnownOptions<O> = [0] extends [1 & O]
  ? UnknownOptions
  : [unknown] extends [O]
    ? object
    : [O] extends [never]
      ? object
      : O

type UnknownOptions = Readonly<Record<string, unknown>>

/** The name of an adapter, or an adapter. */
export type NameOrAdapter = string | ((options: never, context: AdapterContext) => Store)

/** The options of an adapter, given by its name or itself. A store has none. */
export type StoreOptions<S> = S extends string
  ? AdapterOptions<S>
  : S extends (options: infer O, context: never) => unknown
    ? KnownOptions<O>
    : object
