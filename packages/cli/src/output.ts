import { type Failure, failureOf } from './failure.js'
import { jsonDocument } from './json.js'
import type { Output } from './surroundings.js'

/** What a command found or did. */
export interface Answer {
  /** 1: it looked for something and found none, or `check` found an error. */
  readonly code: 0 | 1
  readonly text: string
  /** With `--json`. */
  readonly json: object
}

/** What is written at the end of a command. */
export interface Ending {
  readonly code: number
  readonly out: string
  readonly err: string
}

export function answered({ code, text, json }: Answer, isJson: boolean): Ending {
  return { code, out: isJson ? jsonDocument(json) : `${text}\n`, err: '' }
}

/** With `--json` among the arguments, a failure is the one document on standard output. */
export function failed(error: unknown, args: readonly string[]): Ending {
  const { code, message, exitCode }: Failure = failureOf(error)
  return args.includes('--json')
    ? { code: exitCode, out: jsonDocument({ error: { code, message } }), err: '' }
    : { code: exitCode, out: '', err: `${message}\n` }
}

/** Resolves once the text is written, or nobody reads it any more. Rejects if it cannot be written, as on a full disk. */
export async function write(output: Output, text: string): Promise<void> {
  if (text === '') return
  await new Promise<void>((resolve, reject) => {
    output.write(text, (error) => {
      if (!error || ('code' in error && error.code === 'EPIPE')) resolve()
      else reject(error)
    })
  })
}
