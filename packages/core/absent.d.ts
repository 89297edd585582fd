/**
 * Stands in for the first-party adapters while core is compiled: they are compiled after it. What core's
 * declarations say of their options is resolved where core is used.
 */
export type CookieOptions = object
export type MemoryOptions = object
export type RedisOptions = object
export type MemcacheOptions = object
export type SqliteOptions = object
