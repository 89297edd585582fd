import { isError, isSessError } from '@sess/core/adapter'

/** 2: the command, or the application's module, has to be changed. 3: the store, or the module, failed at its work. */
type FailureExitCode = 2 | 3 | 130 | 143

/** Why a command has no answer. */
export class Failure extends Error {
  override readonly name = 'Failure'
  /** Identifies the failure. Stable. */
  readonly code: string
  readonly exitCode: FailureExitCode

  constructor(code: string, message: string, exitCode: FailureExitCode = 2) {
    super(message)
    this.code = code
    this.exitCode = exitCode
  }
}

/** The codes of core that mean that the call of `sessions()` has to be changed. */
const MISTAKES: ReadonlySet<string> = new Set([
  'INVALID_OPTION',
  'INVALID_VALUE',
  'ADAPTER_NAME',
  'ADAPTER_NOT_FOUND',
  'ADAPTER_LOAD_FAILED',
  'ADAPTER_INVALID',
  'DISABLED',
])

/** The failure that an error means which a command has met after the application's module was loaded. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  const message = messageOf(error)
  if (isSessError(error)) return new Failure(error.code, message, MISTAKES.has(error.code) ? 2 : 3)
  return new Failure('UNEXPECTED', message, 3)
}

export function interrupted(signal: 'SIGINT' | 'SIGTERM'): Failure {
  const message = `${signal} stopped the command. What it had done stays done; run it again to do the rest.`
  return new Failure('INTERRUPTED', message, signal === 'SIGINT' ? 130 : 143)
}

export function endedEarly(): Failure {
  return new Failure(
    'CONFIG_FAILED',
    'The process ended before the command had an answer: the module of the sessions calls process.exit(), or awaits what never comes.',
  )
}

/** The message of an error, with that of its cause, and without the passwords of URLs. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return `A ${typeof error} was thrown, not an error.`
  const { message, cause } = error
  const text = isError(cause) && !message.includes(cause.message) ? `${message} Cause: ${cause.message}` : message
  return withoutPasswords(text)
}

/** Hides what comes before the host in a URL. A client, or the application's own module, may put it into a message. */
function withoutPasswords(text: string): string {
  return text.replaceAll(/(?<=:\/\/)[^\s/?#]+@/g, '…@')
}
