import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import sqlite, { type SqliteOptions } from '@sess/adapter-sqlite'
import {
  createAdapterContext,
  type Entry,
  isSessError,
  type ServerStore,
  type SessError,
  type Store,
  type Version,
} from '@sess/core/adapter'
import { onTestFinished } from 'vitest'

const context = createAdapterContext({ secret: 'a secret for tests, of 32 bytes or more' })

export const FAR: number = Date.UTC(2100, 0)
export const PAST: number = Date.UTC(2001, 0)

/** What may be added to a deadline on a machine that has much else to do, in milliseconds. */
export const GRACE = 1500

export const entry = (data: string, expiresAt: number = FAR): Entry => ({ data, expiresAt })

export const numbers = (count: number): readonly number[] => [...Array(count).keys()]

/** A folder that goes when the test ends. */
export function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sess-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Where a store may make its file. */
export function newFile(): string {
  return join(newFolder(), 'sessions.sqlite')
}

/** Opens a store on a file of its own, unless one is given, and closes it when the test ends. */
export function openStore(options: Partial<SqliteOptions> = {}): ServerStore {
  return serverStoreOf(sqlite({ file: newFile(), ...options }, context))
}

/** Opens a store with options that the types would not let through. */
export function openUntyped(options: unknown): ServerStore {
  return serverStoreOf(Reflect.apply(sqlite, undefined, [options, context]))
}

function serverStoreOf(store: Store): ServerStore {
  if (store.kind !== 'server') throw new Error('expected a server store')
  onTestFinished(() => store.close())
  return store
}

/** The version that a write resolved with, for a write that must succeed. */
export async function succeed(write: Promise<Version | null>): Promise<Version> {
  const version = await write
  if (version === null) throw new Error('the write was refused')
  return version
}

/** The error that a call fails with. */
export async function failureOf(call: () => unknown): Promise<SessError> {
  try {
    await call()
  } catch (error) {
    if (isSessError(error)) return error
    throw error
  }
  throw new Error('the call succeeded')
}

/** Each method's call, by its name. */
export function callsOf(store: ServerStore): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    create: () => store.create('created', entry('data')),
    read: () => store.read('key'),
    update: () => store.update('key', entry('data'), 'AAAAAAAAAAAAAAAA'),
    destroy: () => store.destroy('destroyed'),
    prune: () => store.prune?.(1) ?? Promise.reject(new Error('there is no prune')),
  }
}

/** The code of the error that each method fails with. */
export async function codesOf(store: ServerStore): Promise<Readonly<Record<string, string>>> {
  const codes: Record<string, string> = {}
  for (const [name, call] of Object.entries(callsOf(store))) codes[name] = (await failureOf(call)).code
  return codes
}

export function all(code: string): Readonly<Record<string, string>> {
  return { create: code, read: code, update: code, destroy: code, prune: code }
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(10)
}
