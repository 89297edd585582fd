interface Entry<Q> {
  readonly key: string
  readonly queue: Q
}

/** Most processes store fewer sessions at the same time. With more, a bucket has several. */
const BUCKETS = 256

/**
 * The queues of sessions that are being stored, by the session's key. A hash table: additions and deletions are endless,
 * and in a Map they leave a chain of former tables (`CallsInFlight` says why that is dear). An object would have to
 * enter each key, which is a new string in each request, into V8's table of property names.
 */
export class Queues<Q> {
  readonly #buckets: Entry<Q>[][]

  /** Without buckets, no key ever has a queue. */
  constructor(buckets: number = BUCKETS) {
    this.#buckets = Array.from({ length: buckets }, () => [])
  }

  get(key: string): Q | undefined {
    for (const entry of this.#bucket(key)) if (entry.key === key) return entry.queue
    return undefined
  }

  /** The key has no queue. */
  add(key: string, queue: Q): void {
    this.#bucket(key).push({ key, queue })
  }

  delete(key: string): void {
    const bucket = this.#bucket(key)
    const index = bucket.findIndex((entry) => entry.key === key)
    if (index >= 0) bucket.splice(index, 1)
  }

  /** Keys are random, so any two characters spread them. */
  #bucket(key: string): Entry<Q>[] {
    return this.#buckets[(key.charCodeAt(0) * 31 + key.charCodeAt(1)) % BUCKETS] ?? []
  }
}
