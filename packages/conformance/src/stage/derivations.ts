import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

const DERIVATIONS = ['hkdf', 'hkdfSync', 'pbkdf2', 'pbkdf2Sync', 'scrypt', 'scryptSync', 'argon2', 'argon2Sync']
const SUBTLE = ['deriveBits', 'deriveKey']

/** Replaces a function by one that reports each call, and returns a function that puts it back. */
function watch(owner: object, name: string, onCall: () => void): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  const real: unknown = Reflect.get(owner, name)
  if (typeof real !== 'function') return () => {}
  const value = function (this: unknown, ...given: readonly unknown[]): unknown {
    onCall()
    return Reflect.apply(real, this, given)
  }
  // `promisify` looks at these.
  Object.defineProperties(value, Object.getOwnPropertyDescriptors(real))
  Object.defineProperty(owner, name, { configurable: true, enumerable: true, writable: true, value })
  return () => {
    if (before) Object.defineProperty(owner, name, before)
    else Reflect.deleteProperty(owner, name)
  }
}

/** Makes the named exports of `node:crypto` what its fields are. */
function showToModules(): void {
  try {
    syncBuiltinESMExports()
  } catch {
    // Deno cannot do that. Modules there keep what they imported, and less is counted.
  }
}

/**
 * Counts the keys that the process derives with `node:crypto` while `act` runs, other code included. It sees no key
 * that is derived by hand, and under Jest and Deno none that an ES module derives.
 */
export async function countDerivations(act: () => Promise<void>): Promise<number> {
  let count = 0
  const onCall = (): void => void (count += 1)
  const undo = [
    ...DERIVATIONS.map((name) => watch(crypto, name, onCall)),
    ...SUBTLE.map((name) => watch(crypto.webcrypto.subtle, name, onCall)),
  ]
  showToModules()
  try {
    await act()
  } finally {
    for (const one of undo) one()
    showToModules()
  }
  return count
}
