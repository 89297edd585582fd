/** What the store asks of its backend. A failure is a rejection, whatever the client library rejects with. */
export interface Client {
  /** Stores a text under a key that holds none, in one step, until `expiresAt`. Resolves with whether it did. */
  add(key: string, value: string, expiresAt: number): Promise<boolean>
  /** The text under a key; `undefined`: there is none. */
  get(key: string): Promise<string | undefined>
  /**
   * Replaces the text under a key, if it holds one whose first 16 characters are `version`, whatever that is: it may be
   * shorter, or empty. Resolves with whether it did. In one step, by a script, a transaction or a compare-and-swap of
   * the backend: a read and then a write would lose changes.
   */
  swap(key: string, version: string, value: string, expiresAt: number): Promise<boolean>
  /** Removes a key; one that holds nothing is not an error. */
  remove(key: string): Promise<void>
  /**
   * Drops the connection, and makes another: a call that began then (`performance.now()`) was not answered in time. One
   * that was made since is not the one on which it is stuck, and stays.
   */
  drop(began: number): void
  /** Lets go of all connections. */
  close(): Promise<void>
}

/**
 * A client of the backend at `host:port`, which connects when it is first asked something, again after the connection
 * was lost, and sends a write once. `expiresAt` is in epoch milliseconds: the backend may drop what it holds then, and
 * not a millisecond before.
 */
export function connect(server: string): Client {
  // TODO: make the client library's client, and of its calls the methods of ours.
  throw new Error(`src/client.ts does not connect to ${server} yet: write connect.`)
}
