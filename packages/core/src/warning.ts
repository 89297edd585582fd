/** Warnings of one application, through `process.emitWarning`, each given once. */
export class Warnings {
  readonly #given = new Set<string>()

  once(code: string, message: string): void {
    if (this.#given.has(code)) return
    this.#given.add(code)
    process.emitWarning(message, { type: 'SessWarning', code })
  }
}
