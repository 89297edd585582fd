import { setImmediate as turn } from 'node:timers/promises'

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

  /** Resolves when no operation is in flight, and what waited for the last one has begun no other. */
  async idle(): Promise<void> {
    while (this.#count > 0) {
      await new Promise<void>((resolve) => (this.#onIdle = resolve))
      await turn()
    }
  }
}
