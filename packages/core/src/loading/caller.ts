/** A function, or a class. */
export type Callee = ((...args: never) => unknown) | (abstract new (...args: never) => unknown)

/**
 * The file that called `callee`, as a path or a `file:` URL; without `callee`, the file that core itself is in.
 * `undefined` if that is not a file, as in `node --eval`.
 */
export function callerOf(callee?: Callee): string | undefined {
  const before = { prepareStackTrace: formatter(), stackTraceLimit: Error.stackTraceLimit }
  const holder: { stack?: unknown } = {}
  try {
    Error.stackTraceLimit = 1
    Error.prepareStackTrace = (_error, sites) => sites[0]?.getFileName() ?? undefined
    Error.captureStackTrace(holder, callee)
    // V8 calls the formatter when `stack` is first read.
    const file = holder.stack
    return typeof file === 'string' && /^(file:|\/|[A-Za-z]:[/\\])/.test(file) ? file : undefined
  } finally {
    Object.assign(Error, before)
  }
}

function formatter(): unknown {
  return Reflect.get(Error, 'prepareStackTrace')
}
