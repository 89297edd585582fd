/** Numbers from 0 to 1, the same on every run (a linear congruential generator). SESS_SEED=1 gives other numbers. */
export function chance(): () => number {
  let state = Number(process.env['SESS_SEED'] ?? 20_261_124)
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
