/**
 * What shows that this process is a step of a build, such as `next build` or `vite build`. `undefined`: nothing does. A
 * build may evaluate the modules of an application, and need not have its environment.
 */
export function buildStep(): string | undefined {
  try {
    const { argv, env } = process
    if (argv[2] === 'build') return 'the first argument of the command is build'
    // Deno would ask its user for the right to read a variable.
    if ('Deno' in globalThis) return undefined
    if (env['NEXT_PHASE'] === 'phase-production-build') return 'NEXT_PHASE is phase-production-build'
    // The worker in which `vite build` evaluates an application of SvelteKit has no arguments.
    if (env['SVELTEKIT_FORK'] === 'true') return 'SVELTEKIT_FORK is true'
    // What npm, pnpm, yarn and bun call the script that they run.
    const script = env['npm_lifecycle_event']
    return script !== undefined && /^build(?::|$)/.test(script) ? `npm_lifecycle_event is ${script}` : undefined
  } catch {
    // A runtime without a process builds nothing.
    return undefined
  }
}
