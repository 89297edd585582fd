/** Emits the warnings of one application by `process.emitWarning`, each code once. */
export class Warnings {
  readonly #emitted = new Set<string>()

  once(code: string, message: string): void {
    if (this.#emitted.has(code)) return
    this.#emitted.add(code)
    process.emitWarning(message, { type: 'SessWarning', code })
  }
}
