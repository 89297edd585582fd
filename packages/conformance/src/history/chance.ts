/** A linear congruential generator of numbers from 0 to 1. A seed always gives the same numbers: failures repeat. */
export function chance(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
