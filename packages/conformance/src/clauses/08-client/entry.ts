import type { ClientStore, Entry } from '@sess/core/adapter'
import { expectSame, expectThat } from '../../breach.js'

export const EXPIRES_AT = 1_900_000_000_123

/** The latest time that a `Date` can hold. */
export const LATEST = 8.64e15

/** The characters of base64url. */
export const BASE64URL: readonly string[] = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('')

export function entry(data: string, expiresAt: number = EXPIRES_AT): Entry {
  return { data, expiresAt }
}

/** Seals an entry, opens it again and returns the token. */
export async function expectOpens(store: ClientStore, given: Entry, done: string): Promise<string> {
  const expected = { ...given, outdated: false }
  const token = await store.seal(given)
  expectThat(typeof token === 'string' && token !== '', `seal: ${done}`, 'a token', token)
  expectSame(`open after seal: ${done}`, await store.open(token), expected)
  return token
}

/** Seals an entry and returns the token, after opening it once: a store might remember what it opened. */
export async function usedToken(store: ClientStore, given: Entry): Promise<string> {
  const token = await store.seal(given)
  await store.open(token)
  return token
}

/** Throws a `Breach` for the first token that does not open as null. */
export async function expectNoneOpens(store: ClientStore, tokens: Iterable<string>, done: string): Promise<void> {
  for (const token of tokens) {
    const came = await store.open(token)
    expectThat(came === null, `open of ${done}`, 'null', came)
  }
}
