/** `SESS_SEED=1` gives other numbers. */
export const SEED = Number(process.env['SESS_SEED'] ?? 20_261_124)

/** Numbers from 0 to 1, the same on every run (a linear congruential generator). */
export function chance(): () => number {
  let state = SEED
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
