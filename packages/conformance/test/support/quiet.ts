/** Runs code that causes warnings on purpose, hides them, and turns off the stacks of thousands of errors. */
export async function quietly<T>(act: () => Promise<T>): Promise<T> {
  const onWarning = process.listeners('warning')
  const { stackTraceLimit } = Error
  for (const listener of onWarning) process.off('warning', listener)
  Error.stackTraceLimit = 0
  try {
    return await act()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    for (const listener of onWarning) process.on('warning', listener)
  }
}
