import { ExceptionHandler, type HttpContext } from '@adonisjs/core/http'
import { sess } from '#app/sess'

export default class HttpExceptionHandler extends ExceptionHandler {
  /** A request that fails stores nothing, whatever the status of its error is. */
  override handle(error: unknown, ctx: HttpContext) {
    if (ctx.opened !== undefined) sess.discard(ctx.opened)
    return super.handle(error, ctx)
  }
}
