import { transformSync } from 'rolldown/utils'

/**
 * A program of a page in JavaScript, whose store waits longer than by default: on a busy machine, a process may have to wait for
 * the processor for a second, and that is no failure of what the page promises. The tests of all pages check the types.
 */
export function patient(program: string): string {
  const patiently = program.replace('url: REDIS_URL', 'url: REDIS_URL, deadline: 20_000')
  if (patiently === program) throw new Error('The program has no store whose deadline could be set.')
  return javaScript(patiently)
}

export function javaScript(program: string): string {
  const { code, errors } = transformSync('program.ts', program)
  for (const error of errors) throw error
  return code
}
