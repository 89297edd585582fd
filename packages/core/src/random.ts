import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(4096)
let used = pool.length

/**
 * At most 4096 bytes from the CSPRNG, which nobody else gets. It is asked for many at once: by itself each call costs more
 * than a round trip's share of the processor.
 */
export function randomBytes(length: number): Buffer {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = Buffer.from(pool.subarray(used, used + length))
  // What has become part of a token is kept nowhere else.
  pool.fill(0, used, (used += length))
  return bytes
}
