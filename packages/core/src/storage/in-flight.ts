/** Counts the operations in flight. */
export class InFlight {
  #count = 0
  #onIdle: (() => void) | undefined

  enter(): void {
    this.#count++
  }

  leave(): void {
    if (--this.#count === 0) this.#onIdle?.()
  }

  /** Resolves when no operation is in flight. */
  async idle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }
}
