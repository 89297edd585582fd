import { createParamDecorator, type ExecutionContext, type PipeTransform } from '@nestjs/common'
import type { Session, Sessions } from '@sess/core'
import { openSession } from './open-session.js'
import { takesSess } from './provided.js'

/** Opens the session. A decorator's own function cannot have anything injected, but a pipe can. */
class SessionPipe implements PipeTransform<ExecutionContext, Promise<Session<object>>> {
  readonly #sess: Sessions<object> | undefined

  constructor(sess?: Sessions<object>) {
    this.#sess = sess
  }

  transform(context: ExecutionContext): Promise<Session<object>> {
    return openSession(this.#sess, context)
  }
}
takesSess(SessionPipe)

const contextThrough = createParamDecorator((_, context: ExecutionContext) => context)

/**
 * The session of the request, as a parameter of a handler: `@CurrentSession() session: Session<Visitor>`. It is opened for
 * this handler alone, after guards and interceptors. If it cannot be opened, the handler does not run, and the exception
 * filters get the store's error.
 */
export const CurrentSession = (): ParameterDecorator => contextThrough(SessionPipe)
