import { randomUUID } from 'node:crypto'
import type { ClientStore } from '../contract.js'
import { SessError } from '../error.js'
import type { SessionEntries } from './entries.js'

/** The latest expiry that the contract allows. */
const NEVER = 8.64e15

/**
 * Asks a server store once. Rejects with its error. No token and no roster has a key like the one that is read, and each call
 * reads another, so that of several servers not always the same one is asked.
 */
export async function askServer(entries: SessionEntries): Promise<void> {
  await entries.read(randomUUID())
}

/** Has a client store seal an entry and open it again. Rejects with its error. */
export async function askClient(store: ClientStore): Promise<void> {
  const data = 'ready'
  const opened = await store.open(await store.seal({ data, expiresAt: NEVER }))
  if (opened?.data === data) return
  throw new SessError('CORRUPT', `The ${store.name} store does not open what it has sealed.`)
}
