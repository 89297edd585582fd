import { SessError } from '../error.js'
import { describe } from './check.js'

/** The minimum for an HMAC-SHA-256 key by RFC 8725 and NIST SP 800-107. */
const MIN_BYTES = 32

export const HOW_TO_MAKE_ONE = `Make one with: node -e "console.log(crypto.randomBytes(32).toString('base64url'))"`

/** Reads the option `secret`: the secrets that are set, newest first. Throws `INVALID_OPTION` if there is none. */
export function readSecrets(value: unknown): readonly string[] {
  const secrets = readSetSecrets(value)
  if (secrets.length === 0) throw missingSecret('no secret is set.')
  return secrets
}

/** The same, but no secret at all is no error. */
export function readSetSecrets(value: unknown): readonly string[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value]
  const secrets: string[] = []
  for (const secret of given) {
    if (secret === undefined) continue
    if (typeof secret !== 'string') {
      throw new SessError(
        'INVALID_OPTION',
        `Option secret is ${describe(secret)}; expected a string. ${HOW_TO_MAKE_ONE}`,
      )
    }
    const bytes = Buffer.byteLength(secret)
    if (bytes < MIN_BYTES) {
      throw new SessError(
        'INVALID_OPTION',
        `Option secret ${bytes === 0 ? 'is an empty string' : `has ${bytes} bytes`}; expected at least ${MIN_BYTES} random bytes. ${HOW_TO_MAKE_ONE}`,
      )
    }
    secrets.push(secret)
  }
  return secrets
}

export function missingSecret(why: string): SessError {
  return new SessError(
    'INVALID_OPTION',
    `Option secret is missing: ${why} Put one into the environment. ${HOW_TO_MAKE_ONE}`,
  )
}

/** What has fewer different characters than this was not made at random: 32 hexadecimal digits have 14 on average. */
const MIN_CHARACTERS = 8

/** Whether a secret was typed by somebody who needed one that is long enough. */
export function isGuessable(secret: string): boolean {
  return new Set(secret).size < MIN_CHARACTERS
}
