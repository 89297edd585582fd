import { isSessError, type SessError } from '@sess/core/adapter'

/** The `SessError` that a synchronous call throws. Success or any other error fails the test. */
export function thrownBy(call: () => unknown): SessError {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    if (isSessError(error)) return error
    throw new Error('expected a SessError', { cause: error })
  }
  throw new Error(`expected a SessError, but the call returned a ${typeof result}`)
}
