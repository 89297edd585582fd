import { createHash } from 'node:crypto'
import type { Keyring } from '../crypto/keyring.js'
import { processWide } from '../process-wide.js'

/** The numbers of objects and functions, which all copies of core share. */
const objects = processWide('@sess/core objects/1', () => ({ ids: new WeakMap<object, number>(), lastId: 0 }))

/**
 * Identifies what sessions share: it is equal for an equal secret, cookie name, store and options. `store` is an adapter,
 * whose options are `options`, or a store.
 */
export function identityOf(
  keyring: Keyring,
  cookieName: string,
  store: object,
  options: Readonly<Record<string, unknown>>,
): string {
  const identity = createHash('sha256')
  for (const key of keyring.keys('slice')) identity.update(key)
  // To an adapter, `undefined` is an option that is left out.
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const named = given
    .toSorted(byName)
    .map(([name, value]) => [name, dataOf(value) ?? (isObject(value) && numberOf(value))])
  return identity.update(JSON.stringify([cookieName, adapterId(store) ?? numberOf(store), named])).digest('base64url')
}

function adapterId(store: object): readonly [string] | undefined {
  const id: unknown = typeof store === 'function' && 'id' in store ? store.id : undefined
  return typeof id === 'string' ? [id] : undefined
}

/** Deeper data could be a circle. */
const MAX_DEPTH = 20

/** A value for JSON that is equal for equal plain data. `undefined`: this is something else. */
function dataOf(value: unknown, depth = 0): readonly unknown[] | undefined {
  if (!isObject(value)) return [typeof value, String(value)]
  if (depth === MAX_DEPTH || !(Array.isArray(value) || isPlain(value))) return undefined
  const entries = Object.entries(value).toSorted(byName)
  const data = entries.map(([name, item]) => [name, dataOf(item, depth + 1)] as const)
  if (data.some(([, item]) => item === undefined)) return undefined
  return [Array.isArray(value) ? `array ${value.length}` : 'object', data]
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Whether it has no class, in any realm, and nothing that its entries do not show. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false
  return Reflect.ownKeys(value).every(
    (key) => typeof key === 'string' && Object.getOwnPropertyDescriptor(value, key)?.enumerable,
  )
}

/** Identifies an object or a function that is equal only to itself. */
function numberOf(value: object): number {
  const id = objects.ids.get(value) ?? ++objects.lastId
  objects.ids.set(value, id)
  return id
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}
