/** Something that happens once, and that a test waits for or brings about. */
export class Signal {
  readonly happened: Promise<void>
  /** Makes it happen. */
  readonly fire: () => void

  constructor() {
    let fire: () => void = () => undefined
    this.happened = new Promise((resolve) => (fire = resolve))
    this.fire = fire
  }
}
