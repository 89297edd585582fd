/** A one-time event that a test can wait for or fire. */
export class Signal {
  readonly happened: Promise<void>
  /** Resolves `happened`. */
  readonly fire: () => void

  constructor() {
    let fire: () => void = () => undefined
    this.happened = new Promise((resolve) => (fire = resolve))
    this.fire = fire
  }
}
