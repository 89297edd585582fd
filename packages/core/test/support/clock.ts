const START = Date.UTC(2030, 0, 1)

export const SECOND = 1000
export const MINUTE: number = 60 * SECOND
export const HOUR: number = 60 * MINUTE
export const DAY: number = 24 * HOUR

/** Time as the option `clock` wants it, which passes when a test says so. */
export class Clock {
  now = START

  readonly read = (): number => this.now

  advance(milliseconds: number): void {
    this.now += milliseconds
  }
}
