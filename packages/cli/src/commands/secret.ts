import { randomBytes } from 'node:crypto'

/** A secret for `sessions()`: 32 random bytes, in letters, digits, hyphens and underscores. */
export function secret(): string {
  return randomBytes(32).toString('base64url')
}
