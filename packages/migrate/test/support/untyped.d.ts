/** Libraries without types, as far as the tests use them. */
declare module 'iron-store' {
  interface IronStore {
    set(name: string, value: unknown): void
    seal(): Promise<string>
  }
  export default function ironStore(options: { password: string; ttl: number }): Promise<IronStore>
}

declare module 'better-sqlite3-session-store' {
  import type { Database } from 'better-sqlite3'
  import type { Store } from 'express-session'

  type StoreClass = new (options: { client: Database }) => Store
  export default function storeClassOf(session: { Store: typeof Store }): StoreClass
}
