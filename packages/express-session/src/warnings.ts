const emitted = new Set<string>()

/** Emits a warning by `process.emitWarning`, once in a process. */
export function warnOnce(code: string, message: string): void {
  if (emitted.has(code)) return
  emitted.add(code)
  process.emitWarning(message, { type: 'SessWarning', code })
}
