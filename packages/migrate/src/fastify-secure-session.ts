import { isUint8Array } from 'node:util/types'
import {
  type Check,
  type FormerSession,
  type FormerSessions,
  integer,
  invalidOption,
  optional,
  readOptions,
} from '@sess/core/adapter'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import {
  cookieName,
  cookiesAt,
  decodedCandidates,
  firstOf,
  FORMER_CHECKS,
  type FormerOptions,
  oneOrMore,
} from './cookies.js'
import { type JsonObject, parseObject } from './json.js'
import { SealedSession } from './sealed-session.js'

/** The options that the application had with @fastify/secure-session. A wrong one throws `INVALID_OPTION`. */
export interface FastifySecureSessionOptions extends FormerOptions {
  /**
   * The key of @fastify/secure-session: 32 bytes, or their base64. Or several, with the newest first. An application that
   * gave a `secret` has to print its key once: the README says how.
   */
  readonly key: string | Uint8Array | undefined | readonly (string | Uint8Array | undefined)[]
  /** The cookie's name. Default `'session'`. */
  readonly cookieName?: string | undefined
  /** Seconds after the last change at which a session ends. Default 86 401, a day. */
  readonly expiry?: number | undefined
}

const KEY_BYTES = 32
/** When the library wrote the session, in epoch seconds. It is the library's own, and none of the session's values. */
const WRITTEN_AT = '__ts'

const key: Check<Uint8Array> = (value, path) => {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : value
  // The copy keeps its bytes if the application overwrites its own.
  if (isUint8Array(bytes) && bytes.length === KEY_BYTES) return Uint8Array.from(bytes)
  const expected = `the key of @fastify/secure-session, ${KEY_BYTES} bytes or their base64; the README of @sess/migrate says how to print it`
  throw invalidOption(path, value, expected)
}

/**
 * The sessions of @fastify/secure-session 8: JSON, sealed with XSalsa20-Poly1305, as base64 of the text, `;` and base64
 * of the nonce (`encodeSecureSession` in https://github.com/fastify/fastify-secure-session/blob/main/index.js).
 * `expiresAt` is the time of the last change, which the library keeps under `__ts`, and `expiry` later.
 */
export function fastifySecureSession(options: FastifySecureSessionOptions): FormerSessions {
  const read = readOptions('fastifySecureSession', options, {
    key: oneOrMore(key),
    cookieName: optional(cookieName, 'session'),
    expiry: optional(integer(), 86_401),
    ...FORMER_CHECKS,
  })

  function open(value: string): FormerSession | undefined {
    const [box, nonce, ...others] = value.split(';').map(bytesOf)
    if (box === undefined || nonce === undefined || others.length > 0) return undefined
    for (const one of read.key) {
      const content = contentOf(box, nonce, one)
      if (content === undefined) continue
      const { [WRITTEN_AT]: writtenAt, ...values } = content
      const expiresAt = typeof writtenAt === 'number' ? (writtenAt + read.expiry) * 1000 : undefined
      return new SealedSession(value, { values, expiresAt })
    }
    return undefined
  }
  return {
    name: '@fastify/secure-session',
    cookies: cookiesAt(read.cookie, read.cookieName),
    keep: read.keep,
    find: (valuesOf) => firstOf(decodedCandidates(valuesOf, read.cookieName), open),
  }
}

/** `undefined`: it was not sealed with this key, or has no object in it. A nonce of another length throws, too. */
function contentOf(box: Uint8Array, nonce: Uint8Array, secret: Uint8Array): JsonObject | undefined {
  try {
    return parseObject(Buffer.from(xsalsa20poly1305(secret, nonce).decrypt(box)).toString())
  } catch {
    return undefined
  }
}

/** `undefined`: this is not how base64 spells any bytes. Decoders ignore what is not base64, and some bits at the end. */
function bytesOf(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 ? bytes : undefined
}
