import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import type { MemoryOptions } from '@sess/adapter-memory'
import { SessStore, type SessStoreOptions, type StoredData } from '@sess/express-session'
import { onTestFinished } from 'vitest'
import { noted } from '../../../tests/support/noted-store.ts'

export const NOW = 1_700_000_000_000
export const HOUR = 60 * 60 * 1000

/** The time of the stores that `openSessStore` opens. */
export const clock = { now: NOW }

/** A store over a new scope of the memory store. It is closed, and its clock set back, when the test ends. */
export function openSessStore(options: SessStoreOptions & MemoryOptions = {}): SessStore {
  return untilTestEnds(new SessStore('memory', { scope: randomUUID(), clock: () => clock.now, ...options }))
}

/** A store that notes the calls of the memory store beneath it, and another way to that store. */
export function openCounted(): { readonly store: SessStore; readonly other: SessStore; readonly calls: string[] } {
  const calls: string[] = []
  const scope = randomUUID()
  const counted = noted((call) => void calls.push(call), scope)
  const store = untilTestEnds(new SessStore(counted, { clock: () => clock.now }))
  return { store, other: openSessStore({ scope }), calls }
}

function untilTestEnds<S extends SessStore>(store: S): S {
  onTestFinished(async () => {
    clock.now = NOW
    await store.close()
  })
  return store
}

/** A cookie that ends so many milliseconds from now, or with the browser. */
export function cookieFor(maxAge: number | null, attributes: object = {}): StoredData['cookie'] {
  const expires = maxAge === null ? null : new Date(clock.now + maxAge).toISOString()
  return { originalMaxAge: maxAge, expires, ...attributes }
}

/** What is stored, as an object that the store knows. `null`: nothing is. */
export async function read(store: SessStore, sid = 'sid'): Promise<StoredData | null> {
  const data = await promisify<StoredData | null | undefined>((callback) => store.get(sid, callback))()
  return data ?? null
}

/** What is stored. Fails if nothing is. */
export async function found(store: SessStore, sid = 'sid'): Promise<StoredData> {
  const data = await read(store, sid)
  if (data === null) throw new Error('expected a session')
  return data
}

export function write(store: SessStore, session: object, sid = 'sid'): Promise<void> {
  return promisify<void>((callback) => store.set(sid, session, callback))()
}

export function touch(store: SessStore, session: object, sid = 'sid'): Promise<void> {
  return promisify<void>((callback) => store.touch(sid, session, callback))()
}

export function destroy(store: SessStore, sid = 'sid'): Promise<void> {
  return promisify<void>((callback) => store.destroy(sid, callback))()
}
