/** How many cases run at the same time, unless the store turns out to be too slow for that. */
export const WIDTH = 12

/** Lets a limited number of cases run at the same time, or one alone, whatever the test runner does. */
export class Gate {
  #width = WIDTH
  #running = 0
  #isAlone = false
  /** In order of arrival, so that a case that must be alone is not passed over. */
  readonly #waiting: { readonly isAlone: boolean; readonly enter: () => void }[] = []

  /** Halves the number of cases that run at the same time. */
  narrow(): void {
    this.#width = Math.max(1, Math.floor(this.#width / 2))
  }

  async run<T>(isAlone: boolean, act: () => Promise<T>): Promise<T> {
    await new Promise<void>((enter) => {
      this.#waiting.push({ isAlone, enter })
      this.#admit()
    })
    try {
      return await act()
    } finally {
      this.#running--
      this.#isAlone = false
      this.#admit()
    }
  }

  #admit(): void {
    for (let [next] = this.#waiting; next !== undefined && this.#hasRoom(next.isAlone); [next] = this.#waiting) {
      this.#waiting.shift()
      this.#running++
      this.#isAlone = next.isAlone
      next.enter()
    }
  }

  #hasRoom(isAlone: boolean): boolean {
    if (this.#isAlone) return false
    return this.#running < (isAlone ? 1 : this.#width)
  }
}
