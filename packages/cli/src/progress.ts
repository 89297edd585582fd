import type { Output } from './surroundings.js'

const EVERY_MS = 100
const CLEAR = '\r\u001B[K'

/** Shows on a terminal what the command waits for. Anywhere else it shows nothing. */
export class Progress {
  readonly #terminal: Output | undefined
  #timer: NodeJS.Timeout | undefined

  /** `undefined`: nothing is to be shown. */
  constructor(output: Output | undefined) {
    this.#terminal = output?.isTTY === true ? output : undefined
  }

  /** Shows a text until the work is done, with what has been done so far, if that is known, and the seconds that have passed. */
  async during<T>(text: string, work: () => Promise<T>, doneSoFar: () => string = () => ''): Promise<T> {
    const began = performance.now()
    const show = () => {
      const seconds = Math.floor((performance.now() - began) / 1000)
      this.#terminal?.write(`${CLEAR}${text}…${doneSoFar()}${seconds === 0 ? '' : ` ${seconds} s`}`)
    }
    show()
    if (this.#terminal !== undefined) this.#timer = setInterval(show, EVERY_MS)
    try {
      return await work()
    } finally {
      this.stop()
    }
  }

  /** Clears the line, if there is one: a signal may have come before the work was done. */
  stop(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#terminal?.write(CLEAR)
  }
}
