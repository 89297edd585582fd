import { inspect, isDeepStrictEqual } from 'node:util'
import { isSessError, type ErrorCode, type SessError } from '@sess/core/adapter'

/** A clause that was not kept: what was done, what the contract has come of it, and what came. */
export class Breach extends Error {
  /** By which it is known in a report. */
  override readonly name = 'Breach'
  /** The call, in words. */
  readonly done: string
  /** What the contract has come of it. */
  readonly expected: string
  /** What came of it, cut to a line. */
  readonly came: string

  constructor(done: string, expected: string, came: string) {
    super(`done:     ${done}\nexpected: ${expected}\ncame:     ${came}`)
    this.done = done
    this.expected = expected
    this.came = came
  }
}

const LONGEST = 300

/** A value as a breach shows it: on one line, and cut. */
export function show(value: unknown): string {
  const text = inspect(value, { breakLength: Infinity, compact: true, maxStringLength: LONGEST, maxArrayLength: 20 })
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

export function expectSame(done: string, came: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(came, expected)) throw new Breach(done, show(expected), show(came))
}

export function expectThat(holds: boolean, done: string, expected: string, came: unknown): asserts holds {
  if (!holds) throw new Breach(done, expected, typeof came === 'string' ? came : show(came))
}

/** The `SessError` of that code with which a call failed. */
export async function expectFailure(done: string, call: () => Promise<unknown>, code: ErrorCode): Promise<SessError> {
  let came: unknown
  try {
    came = await call()
  } catch (error) {
    if (isSessError(error) && error.code === code) return error
    throw new Breach(done, `a SessError ${code}`, describeError(error))
  }
  throw new Breach(done, `a SessError ${code}`, `it resolved with ${show(came)}`)
}

export function describeError(error: unknown): string {
  if (isSessError(error)) {
    const cause = error.cause instanceof Error ? ` Cause: ${error.cause.name}: ${error.cause.message}` : ''
    return `a SessError ${error.code}: ${error.message}${cause}`
  }
  if (error instanceof Error) return `${error.name}: ${error.message}`
  return `${show(error)}, thrown`
}
