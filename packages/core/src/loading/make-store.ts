import type { Adapter, AdapterContext, Store } from '../contract.js'
import { isSessError, SessError } from '../error.js'
import { assertStore } from './assert-store.js'
import { basesOf } from './base.js'
import { loadAdapter } from './loader.js'

/** An adapter, and what messages call it. */
export interface ChosenAdapter {
  readonly adapter: Adapter
  readonly title: string
}

/**
 * The adapter of a name, looked for from `from` or else from the calling file, or the adapter itself. `undefined`: what was
 * given is neither. Throws as `loadAdapter` does.
 */
export function chosenAdapter(
  given: unknown,
  from: string | URL | undefined,
  caller: () => string | undefined,
): ChosenAdapter | undefined {
  if (typeof given === 'string' && given !== '')
    return { adapter: loadAdapter(given, basesOf(from, caller())), title: `'${given}'` }
  return isAdapter(given) ? { adapter: given, title: given.name || 'function' } : undefined
}

function isAdapter(value: unknown): value is Adapter {
  return typeof value === 'function'
}

/**
 * Makes a store. An adapter knows only its own options: if it refuses one that is spelt almost like one of core's
 * (`nearest`), the error says so.
 */
export function makeStore(
  { adapter, title }: ChosenAdapter,
  options: Readonly<Record<string, unknown>>,
  context: AdapterContext,
  nearest: (name: string) => string | undefined,
): Store {
  const store: unknown = call(adapter, options, context, nearest)
  assertStore(store, `What the adapter ${title} makes is not a store`)
  return store
}

function call(
  adapter: Adapter,
  options: Readonly<Record<string, unknown>>,
  context: AdapterContext,
  nearest: (name: string) => string | undefined,
): unknown {
  try {
    return adapter(options, context)
  } catch (error) {
    if (!isSessError(error) || error.code !== 'INVALID_OPTION') throw error
    const refused = Object.keys(options).find((name) => error.message.includes(JSON.stringify(name)))
    const meant = refused === undefined ? undefined : nearest(refused)
    if (meant === undefined) throw error
    throw new SessError('INVALID_OPTION', `${error.message} Did you mean ${meant}, an option of @sess/core?`)
  }
}
