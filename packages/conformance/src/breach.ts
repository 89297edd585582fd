import { inspect, isDeepStrictEqual } from 'node:util'
import { isError, isSessError, type ErrorCode, type SessError } from '@sess/core/adapter'

/** A broken clause: what was checked, what the contract requires, and what was received. */
export class Breach extends Error {
  /** Always `Breach`. */
  override readonly name = 'Breach'
  /** What was checked, in words: in most cases a call. */
  readonly done: string
  /** What the contract requires. */
  readonly expected: string
  /** What was received instead. Long values are cut. */
  readonly came: string

  /** `cause`: the error that came, if an error is what was received. */
  constructor(done: string, expected: string, came: string, cause?: unknown) {
    super(`checked:  ${done}\nexpected: ${expected}\nreceived: ${came}`, { cause })
    this.done = done
    this.expected = expected
    this.came = came
  }
}

const LONGEST = 300

/** Formats a value for a breach: on one line, and cut if it is long. */
export function show(value: unknown): string {
  const text = inspect(value, { breakLength: Infinity, compact: true, maxStringLength: LONGEST, maxArrayLength: 20 })
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** Each text once, with how often it occurs. */
export function tally(texts: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].map(([text, count]) => `${count} × ${text}`)
}

export function expectSame(done: string, came: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(came, expected)) throw new Breach(done, show(expected), show(came))
}

export function expectThat(holds: boolean, done: string, expected: string, came: unknown): asserts holds {
  if (!holds) throw new Breach(done, expected, typeof came === 'string' ? came : show(came))
}

/** Returns the `SessError` that a call failed with. A call that resolves, or fails otherwise, is a `Breach`. */
export async function expectFailure(done: string, call: () => Promise<unknown>, code: ErrorCode): Promise<SessError> {
  let came: unknown
  try {
    came = await call()
  } catch (error) {
    if (isSessError(error) && error.code === code) return error
    throw new Breach(done, `a SessError ${code}`, describeError(error), error)
  }
  throw new Breach(done, `a SessError ${code}`, `the call resolved with ${show(came)}`)
}

export function describeError(error: unknown): string {
  if (isSessError(error)) {
    const cause = isError(error.cause) ? ` Cause: ${error.cause.name}: ${error.cause.message}` : ''
    return `a SessError ${error.code}: ${error.message}${cause}`
  }
  if (isError(error)) return `${error.name}: ${error.message}`
  return `a thrown value that is not an Error: ${show(error)}`
}
