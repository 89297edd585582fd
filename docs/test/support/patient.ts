/**
 * A program of a page whose store waits longer than by default: on a busy machine, a process may have to wait for the processor
 * for a second, and that is no failure of what the page promises.
 */
export function patient(program: string): string {
  const patiently = program.replace('url: REDIS_URL', 'url: REDIS_URL, deadline: 20_000')
  if (patiently === program) throw new Error('The program has no store whose deadline could be set.')
  return patiently
}
