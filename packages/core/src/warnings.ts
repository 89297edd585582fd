/** Emits warnings by `process.emitWarning`, each code once. */
export class Warnings {
  readonly #emitted = new Set<string>()

  once(code: string, message: string): void {
    if (this.#emitted.has(code)) return
    this.#emitted.add(code)
    process.emitWarning(message, { type: 'SessWarning', code })
  }
}

/** The warnings that concern the process and not one application: how browsers reach it. */
export const processWarnings: Warnings = new Warnings()
