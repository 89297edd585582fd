import { type Sessions, sessions } from '@sess/core'
import { SECRET } from './secret.ts'

/** A version of an application, and what its `onError` was told. */
export interface Deploy {
  readonly sess: Sessions
  readonly errors: readonly unknown[]
}

/** Starts sessions with options that the compiler does not see. */
export function deploy(store: unknown, options: object = {}): Deploy {
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  const sess: unknown = Reflect.apply(sessions, undefined, [store, { secret: SECRET, onError, ...options }])
  if (!isSessions(sess)) throw new Error('expected sessions')
  return { sess, errors }
}

function isSessions(value: unknown): value is Sessions {
  return typeof value === 'object' && value !== null && 'exchange' in value
}
