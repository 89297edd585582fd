/** What the store asks of its backend. A failure is a rejection, whatever the client library rejects with. */
export interface Client {
  /** Stores a text under a key that holds none, in one step, until `expiresAt`. Resolves with whether it did. */
  add(key: string, value: string, expiresAt: number): Promise<boolean>
  /** The text under a key; `undefined`: there is none. */
  get(key: string): Promise<string | undefined>
  /**
   * Replaces the text under a key, in one step, if what it holds begins with `version`. Resolves with whether it did.
   * One step: by a script, a transaction or a compare-and-swap of the backend. A read and then a write loses changes.
   */
  swap(key: string, version: string, value: string, expiresAt: number): Promise<boolean>
  /** Removes a key; one that holds nothing is not an error. */
  remove(key: string): Promise<void>
  /** Lets go of all connections. */
  close(): Promise<void>
}

/**
 * A client of the backend at `host:port`, which connects when it is first asked something, again after the connection
 * was lost, and sends a write once. `expiresAt` is in epoch milliseconds: the backend may drop what it holds then, and
 * not a millisecond before.
 */
export function connect(server: string): Client {
  // TODO: make the client library's client, and of its calls the five methods.
  throw new Error(`src/client.ts does not connect to ${server} yet: write connect.`)
}
