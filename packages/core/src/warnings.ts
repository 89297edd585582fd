/** The warnings of one application. Each code is emitted once, by `process.emitWarning`. */
export class Warnings {
  readonly #emitted = new Set<string>()

  once(code: string, message: string): void {
    if (this.#emitted.has(code)) return
    this.#emitted.add(code)
    process.emitWarning(message, { type: 'SessWarning', code })
  }
}
