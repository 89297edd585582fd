const START = Date.UTC(2030, 0, 1)

export const SECOND = 1000
export const MINUTE: number = 60 * SECOND
export const HOUR: number = 60 * MINUTE
export const DAY: number = 24 * HOUR

/** A clock for the option `clock`; the time stands still until a test advances it. */
export class Clock {
  now = START

  readonly read = (): number => this.now

  advance(milliseconds: number): void {
    this.now += milliseconds
  }
}
