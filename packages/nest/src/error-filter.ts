import { type ArgumentsHost, Catch, ConflictException, Logger, ServiceUnavailableException } from '@nestjs/common'
import { BaseExceptionFilter } from '@nestjs/core'
import { SessError } from '@sess/core'

/**
 * Answers 409 to `CONFLICT` and 503 to `UNAVAILABLE`, in Nest's own form, and logs the latter. Any other `SessError` is a
 * mistake of the program, and Nest answers 500 as it does to all of those. The module registers it.
 */
export class SessErrorFilter extends BaseExceptionFilter {
  readonly #logger = new Logger('SessModule')

  /** Nest calls it with the error and its request. */
  override catch(error: SessError, host: ArgumentsHost): void {
    // Nest's filter answers by HTTP. A resolver's or a gateway's error goes on as it is.
    if (host.getType() !== 'http') throw error
    if (error.code === 'UNAVAILABLE') this.#logger.error(error)
    super.catch(exceptionOf(error), host)
  }
}
Catch(SessError)(SessErrorFilter)

function exceptionOf(error: SessError): Error {
  const options = { cause: error }
  if (error.code === 'CONFLICT')
    return new ConflictException('Another request changed the session at the same time. Try again.', options)
  if (error.code === 'UNAVAILABLE')
    return new ServiceUnavailableException('The session is not available at the moment. Try again.', options)
  return error
}
