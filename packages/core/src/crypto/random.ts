import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(4096)
let used = pool.length

/**
 * As many bytes of the CSPRNG as `target` has, at most 4096, which nobody else gets. It is asked for many at once: by
 * itself each call costs more than a round trip's share of the processor.
 */
export function fillRandom(target: Buffer): void {
  const start = take(target.length)
  pool.copy(target, 0, start, used)
  forget(start)
}

/** As `fillRandom`, as text: so many bytes as base64url. */
export function randomText(bytes: number): string {
  const start = take(bytes)
  const text = pool.toString('base64url', start, used)
  forget(start)
  return text
}

/** Where they begin; they end at `used`. */
function take(length: number): number {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const start = used
  used += length
  return start
}

/** What has become part of a token is kept nowhere else. */
function forget(start: number): void {
  pool.fill(0, start, used)
}
