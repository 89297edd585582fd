import { type CanActivate, type ExecutionContext, mixin, type Type, UnauthorizedException } from '@nestjs/common'
import type { Sessions, Storable } from '@sess/core'
import { openSession } from './open-session.js'
import { takesSess } from './provided.js'

/**
 * A guard that answers 401 unless the session holds this key: `@UseGuards(SessionGuard<Visitor>('userId'))`. The handler gets
 * the same session. The exception filters get the store's error if the session cannot be opened.
 */
export function SessionGuard<D extends Storable<D>>(key: keyof D & string): Type<CanActivate> {
  class Guard implements CanActivate {
    readonly #sess: Sessions<D> | undefined

    constructor(sess?: Sessions<D>) {
      this.#sess = sess
    }

    async canActivate(context: ExecutionContext): Promise<true> {
      const session = await openSession(this.#sess, context)
      if (session[key] === undefined) throw new UnauthorizedException()
      return true
    }
  }
  takesSess(Guard)
  return mixin<CanActivate>(Guard)
}
