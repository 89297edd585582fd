import { Inject, Injectable, Optional, type Type } from '@nestjs/common'

/** The token of the sessions, for `inject` of a factory and for `overrideProvider` in tests. */
export const SESS: unique symbol = Symbol.for('@sess/nest.sess')

/**
 * Injects the sessions, an object of type `Sessions`, for what needs no request: `sess.owner(id).revoke()`, `sess.id(session)`.
 */
export const InjectSess = (): PropertyDecorator & ParameterDecorator => Inject(SESS)

/**
 * Makes a class injectable whose constructor takes the sessions, or `undefined` where the module is not imported: a test of
 * one controller need not import it.
 */
export function takesSess(type: Type): void {
  Injectable()(type)
  Inject(SESS)(type, undefined, 0)
  Optional()(type, undefined, 0)
}
