/** What the store needs from its backend. A failure is a rejection, with any error that the client library makes. */
export interface Client {
  /**
   * Stores a text under a key until `expiresAt`. Resolves with `false`, and changes nothing, if the key has a text
   * already. The backend must check and store in one step.
   */
  add(key: string, value: string, expiresAt: number): Promise<boolean>
  /** Resolves with the text under a key, or with `undefined` if there is none. */
  get(key: string): Promise<string | undefined>
  /**
   * Replaces the text under a key if its first 16 characters are `version`. Resolves with `false`, and changes nothing,
   * if they are not or if there is no text. `version` can be any text, also a shorter or an empty one. The backend must
   * compare and replace in one step, with a script, a transaction or a compare-and-swap: a read and then a write would
   * lose changes.
   */
  swap(key: string, version: string, value: string, expiresAt: number): Promise<boolean>
  /** Removes a key. A key without a text is not an error. */
  remove(key: string): Promise<void>
  /**
   * Called when a call that began at `began` (by `performance.now()`) was not answered in time. Drops the connection if
   * it is older than that, and connects again. A newer connection is not the one that is stuck, and stays.
   */
  drop(began: number): void
  /** Closes all connections. */
  close(): Promise<void>
}

/**
 * Makes a client for the backend at `host:port`. It connects on first use, and again after the connection was lost. It
 * sends each write once. `expiresAt` is in epoch milliseconds: the backend may remove a text from then on, not a
 * millisecond earlier.
 */
export function connect(server: string): Client {
  // TODO: make a client of your client library, and implement the methods above with its calls.
  throw new Error(`src/client.ts does not connect to ${server} yet: implement connect.`)
}
