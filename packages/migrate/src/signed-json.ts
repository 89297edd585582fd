import { type Check, type FormerData, type FormerSessions, like, text } from '@sess/core/adapter'
import Keygrip from 'keygrip'
import { candidates, type CookiePlace, cookiesAt, firstOf } from './cookies.js'
import { type JsonObject, parseObject } from './json.js'
import { SealedSession } from './sealed-session.js'
import { unlessBuilding } from './secrets.js'

/** A `Keygrip`, for an application that signs with another algorithm than SHA-1. */
export interface Signatures {
  /** Whether the signature is that of the data, by any of the keys. */
  verify(data: string, signature: string): boolean
}

/** The check of keys, as an array or a `Keygrip`. `library` is whose they are. */
export function signatures(library: string): Check<Signatures> {
  const keygrip = like<Signatures>(
    `the keys of ${library}: an array of strings that are not empty, or a Keygrip`,
    'verify',
  )
  return (value, path) => {
    if (!Array.isArray(value) || value.length === 0) return keygrip(value, path)
    return Keygrip(value.map((key: unknown, index) => unlessBuilding(text())(key, `${path}[${index}]`)))
  }
}

interface SignedJson {
  /** The name of the library. */
  readonly library: string
  /** The name of the cookie. */
  readonly name: string
  readonly keys: Signatures
  readonly cookie: CookiePlace
  readonly keep: boolean
  /** The session that the JSON has. */
  readonly dataOf: (json: JsonObject) => FormerData
}

/**
 * Sessions that are JSON in base64 in one cookie, with the HMAC of `name=value` in a second one, called the same with `.sig`
 * after it (`set` in https://github.com/pillarjs/cookies/blob/master/index.js).
 */
export function signedJson({ library, name, keys, cookie, keep, dataOf }: SignedJson): FormerSessions {
  const signatureName = `${name}.sig`
  return {
    name: library,
    cookies: cookiesAt(cookie, name, signatureName),
    keep,
    find(valuesOf) {
      const given = candidates(valuesOf, signatureName)
      const isGenuine = (value: string): boolean =>
        given.some((signature) => keys.verify(`${name}=${value}`, signature))
      return firstOf(candidates(valuesOf, name).filter(isGenuine), (value) => {
        const json = parseObject(Buffer.from(value, 'base64').toString())
        return json && new SealedSession(value, dataOf(json))
      })
    },
  }
}
