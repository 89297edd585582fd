/**
 * The options of each adapter, by the name that loads it. First-party adapters are listed here, and
 * have no say where they are not installed. Another adapter adds itself:
 *
 *     declare module '@sess/core' {
 *       interface Adapters { foo: FooOptions }
 *     }
 */
export interface Adapters {
  // An application has one of these or two. Without @ts-ignore, one that checks its libraries' declarations would not
  // compile for want of the others; and @ts-expect-error would be an error where they are installed.
  /** @ts-ignore Not installed, perhaps. */
  cookie: import('@sess/adapter-cookie').CookieOptions
  /** @ts-ignore Not installed, perhaps. */
  memory: import('@sess/adapter-memory').MemoryOptions
  /** @ts-ignore Not installed, perhaps. */
  redis: import('@sess/adapter-redis').RedisOptions
  /** @ts-ignore Not installed, perhaps. */
  memcache: import('@sess/adapter-memcache').MemcacheOptions
  /** @ts-ignore Not installed, perhaps. */
  sqlite: import('@sess/adapter-sqlite').SqliteOptions
}

/** The options that go with a name; of a name known at run time alone, any. */
export type AdapterOptions<N extends string> = N extends keyof Adapters ? KnownOptions<Adapters[N]> : UnknownOptions

/**
 * `O`, if it says anything. The options of an adapter that is not installed are `any`, which would
 * leave core's options beside them unchecked. In tuples, since a condition on the type of an import
 * that failed is never decided.
 */
export type KnownOptions<O> = [0] extends [1 & O]
  ? UnknownOptions
  : [unknown] extends [O]
    ? object
    : [O] extends [never]
      ? object
      : O

type UnknownOptions = Readonly<Record<string, unknown>>
