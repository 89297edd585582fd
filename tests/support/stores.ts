import { inspect } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Adapter,
  createAdapterContext,
  type Entry,
  isSessError,
  type ServerStore,
  type SessError,
  type Version,
} from '@sess/core/adapter'
import { expect, onTestFinished } from 'vitest'

export const SECRET = 'a secret for tests, of 32 bytes or more'

const context = createAdapterContext({ secret: SECRET })

export const FAR: number = Date.UTC(2100, 0)
export const PAST: number = Date.UTC(2001, 0)

/** The milliseconds by which a call may exceed its deadline on a busy machine. */
export const SLACK = 1500

export function entry(data: string, expiresAt: number = FAR): Entry {
  return { data, expiresAt }
}

/** An entry as core writes it. */
export const ALICE: Entry = entry('{"user":"alice"}')

/** The numbers from 0 to `count - 1`. */
export function numbers(count: number): readonly number[] {
  return [...Array(count).keys()]
}

/** Opens a server store and closes it when the test ends. */
export function openServerStore<Options extends object>(adapter: Adapter<Options>, options: Options): ServerStore {
  return untilTestEnds(adapter(options, context))
}

/** Does what `openServerStore` does, with options that the types refuse. */
export function openUntyped(adapter: Adapter<never>, options: unknown): ServerStore {
  const store: unknown = Reflect.apply(adapter, undefined, [options, context])
  return untilTestEnds(store)
}

function untilTestEnds(store: unknown): ServerStore {
  if (!isServerStore(store)) throw new Error('expected a server store')
  onTestFinished(() => store.close())
  return store
}

function isServerStore(store: unknown): store is ServerStore {
  return typeof store === 'object' && store !== null && 'kind' in store && store.kind === 'server'
}

/** One call of each method. The `update` names a version that no store has made. */
export function callsOf(
  store: ServerStore,
): Readonly<Record<'create' | 'read' | 'update' | 'destroy', () => Promise<unknown>>> {
  return {
    create: () => store.create('created', ALICE),
    read: () => store.read('key'),
    update: () => store.update('key', ALICE, '0123456789abcdef'),
    destroy: () => store.destroy('destroyed'),
  }
}

/** The version that a write resolves with. A refused write fails the test. */
export async function succeed(write: Promise<Version | null>): Promise<Version> {
  const version = await write
  if (version === null) throw new Error('the write was refused')
  return version
}

/** A function that makes a call, or the promise of a call that is under way. */
type Call = Promise<unknown> | (() => unknown)

/** The `SessError` that a call fails with. Success or any other error fails the test. */
export async function failureOf(call: Call): Promise<SessError> {
  const failure = await outcomeOf(call)
  if (failure === undefined) throw new Error('expected a SessError, but the call succeeded')
  return failure
}

/** The code of the `SessError` that a call fails with, or `'none'` if it succeeds. */
export async function codeOf(call: Call): Promise<string> {
  return (await outcomeOf(call))?.code ?? 'none'
}

async function outcomeOf(call: Call): Promise<SessError | undefined> {
  try {
    await (typeof call === 'function' ? call() : call)
    return undefined
  } catch (error) {
    if (isSessError(error)) return error
    throw error
  }
}

/** Waits until a condition is true. The test's own time limit ends the wait. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10)
}

/** Waits until the store's calls succeed again. */
export async function works(store: ServerStore): Promise<void> {
  await expect.poll(() => codeOf(() => store.read('any')), { timeout: 20_000, interval: 10 }).toBe('none')
}

/** Everything that an application could log of a value, hidden properties included. */
export function shown(value: unknown): string {
  return inspect(value, { depth: Infinity, showHidden: true, maxStringLength: null, maxArrayLength: null })
}
