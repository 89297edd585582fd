import cookie from '@sess/adapter-cookie'
import { type AdapterContext, type ClientStore, createAdapterContext, type Entry } from '@sess/core/adapter'
import { SECRET } from '../../../tests/support/stores.ts'

export const entry: Entry = { data: '{"userId":7,"notice":"Grüße 👋"}', expiresAt: 1_700_000_000_123 }

export function openStore(secret: string | readonly string[] = SECRET, cookieName = 'sess'): ClientStore {
  return openWith({}, createAdapterContext({ secret, cookie: { name: cookieName } }))
}

/** Opens a store with options and a context that the types may refuse. */
export function openWith(options: unknown, context: AdapterContext): ClientStore {
  const store: ReturnType<typeof cookie> = Reflect.apply(cookie, undefined, [options, context])
  if (store.kind !== 'client') throw new Error('expected a client store')
  return store
}
