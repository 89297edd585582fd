import type { AdapterContext } from '../contract.js'
import { Keyring } from '../crypto/keyring.js'
import { CookiePolicy } from '../exchange/cookie.js'
import type { CookieOptions } from '../exchange/types.js'
import { readSecrets } from '../options/secret.js'

/**
 * Makes the context that core passes to an adapter, for tests that run an adapter without core. A secret has at least
 * 32 bytes. Throws `INVALID_OPTION` as `sessions` does.
 */
export function createAdapterContext(options: {
  readonly secret: string | readonly string[]
  readonly cookie?: CookieOptions
}): AdapterContext {
  return adapterContext(new Keyring(readSecrets(options.secret)), new CookiePolicy(options.cookie ?? {}))
}

export function adapterContext(keyring: Keyring, cookie: AdapterContext['cookie']): AdapterContext {
  return {
    cookie: { name: cookie.name, maxValueLength: cookie.maxValueLength },
    keys: (purpose) => keyring.keys(`adapter/${purpose}`),
  }
}
