/** Numbers from 0 to 1, the same at each run, so that a failure can be looked at again: a linear congruential generator. */
export function chance(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
