import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(4096)
let used = pool.length

/**
 * Fills `target`, which has at most 4096 bytes, with bytes from the CSPRNG. They come from a pool that is filled in one
 * call, because a CSPRNG call for each would cost more CPU time than a round trip. No two callers get the same bytes.
 */
export function fillRandom(target: Uint8Array): void {
  const start = take(target.length)
  pool.copy(target, 0, start, used)
  forget(start)
}

/** The given number of bytes from the same pool, as base64url. */
export function randomText(bytes: number): string {
  const start = take(bytes)
  const text = pool.toString('base64url', start, used)
  forget(start)
  return text
}

/** Reserves bytes of the pool and returns where they begin. They end at `used`. */
function take(length: number): number {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const start = used
  used += length
  return start
}

/** Erases bytes from the pool, since they may have become part of a token. */
function forget(start: number): void {
  pool.fill(0, start, used)
}
