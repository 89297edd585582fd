import { isSessError, type SessError } from '@sess/core/adapter'

/** The SessError that a call throws. */
export function failureOf(call: () => unknown): SessError {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    if (isSessError(error)) return error
    throw new Error('expected a SessError', { cause: error })
  }
  throw new Error(`expected a SessError, and the call returned a ${typeof result}`)
}

/** The SessError that a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<SessError> {
  try {
    await promise
  } catch (error) {
    if (isSessError(error)) return error
    throw new Error('expected a SessError', { cause: error })
  }
  throw new Error('expected a SessError, and the promise was fulfilled')
}
