import { shardPlaceOf, type SessionRecord } from '../storage/record.js'

export type Shard = `-${string}`

/** The ends of the keys of an owner's further rosters, each with the sessions whose keys begin with one character. */
export const SHARDS: readonly Shard[] = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  .split('')
  .map((each): Shard => `-${each}`)

/** A session stays in its shard when it moves, so that it can take its own place there. */
export function shardOf({ key, record }: { readonly key: string; readonly record: SessionRecord }): Shard {
  return `-${shardPlaceOf(record) ?? key.slice(0, 1)}`
}
