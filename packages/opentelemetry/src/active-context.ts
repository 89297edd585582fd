import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, context } from '@opentelemetry/api'

/**
 * Makes a context of OpenTelemetry the active one while the operation of a channel runs, whichever context manager is
 * registered, and also if that happens later. It is given to `bindStore`, and holds nothing itself.
 */
export class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R, A extends unknown[]>(active: Context, callback: (...args: A) => R, ...args: A): R {
    return context.with(active, () => callback(...args))
  }

  /** What Node 25.9 and later call instead of `run`. */
  withScope(active: Context): Disposable {
    const token = attach(active)
    return { [Symbol.dispose]: () => token?.dispose() }
  }
}

interface Token {
  dispose(): void
}

interface Attaching {
  attach(active: Context): Token
}

/** `undefined`: the registered context manager cannot do it. */
function attach(active: Context): Token | undefined {
  // Version 1.10 of the API has `attach`. In 1.9 only the context manager has it, which the API keeps to itself.
  if (canAttach(context)) return context.attach(active)
  const find: unknown = Reflect.get(context, '_getContextManager')
  const manager: unknown = typeof find === 'function' ? Reflect.apply(find, context, []) : undefined
  return canAttach(manager) ? manager.attach(active) : undefined
}

function canAttach(value: unknown): value is Attaching {
  return typeof value === 'object' && value !== null && 'attach' in value && typeof value.attach === 'function'
}
