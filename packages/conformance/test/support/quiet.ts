/**
 * Runs code that causes unhandled rejections and warnings on purpose, hides them from the test runner and Node, and
 * turns off the stacks of thousands of errors. `strays` are the unhandled rejections.
 */
export async function quietly<T>(act: () => Promise<T>): Promise<{ readonly came: T; readonly strays: unknown[] }> {
  const [onRejection, onWarning] = [process.listeners('unhandledRejection'), process.listeners('warning')]
  const { stackTraceLimit } = Error
  const strays: unknown[] = []
  const note = (error: unknown): void => void strays.push(error)
  for (const listener of onRejection) process.off('unhandledRejection', listener)
  for (const listener of onWarning) process.off('warning', listener)
  process.on('unhandledRejection', note)
  Error.stackTraceLimit = 0
  try {
    return { came: await act(), strays }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    for (const listener of onRejection) process.on('unhandledRejection', listener)
    for (const listener of onWarning) process.on('warning', listener)
    process.off('unhandledRejection', note)
  }
}
