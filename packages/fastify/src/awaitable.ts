import { SessError } from '@sess/core/adapter'

/** What awaits, prints or serializes any value reads these. */
const OF_VALUES: ReadonlySet<string> = new Set([
  'then',
  'catch',
  'finally',
  'constructor',
  'toJSON',
  'toString',
  'valueOf',
])

const isKey = (key: string | symbol): key is string => typeof key === 'string' && !OF_VALUES.has(key)

/**
 * The promise, on which a session's keys are an error. Where nothing checks types, a key would otherwise look as if it had
 * no value, and an assignment would be lost.
 */
export function awaitable<T>(promise: Promise<T>): Promise<T> {
  return new Proxy(promise, {
    get(target, key) {
      if (isKey(key)) throw notAwaited(key)
      const value: unknown = Reflect.get(target, key)
      // A promise's methods refuse to run on a proxy.
      return isMethod(value) ? value.bind(target) : value
    },
    set(_target, key) {
      throw notAwaited(String(key))
    },
    deleteProperty(_target, key) {
      throw notAwaited(String(key))
    },
    has(target, key) {
      if (isKey(key)) throw notAwaited(key)
      return Reflect.has(target, key)
    },
  })
}

type Method = (...args: unknown[]) => unknown

/** Classes are functions too, and `constructor` is one. */
function isMethod(value: unknown): value is Method {
  return typeof value === 'function' && value !== Promise
}

function notAwaited(key: string): SessError {
  return new SessError(
    'INVALID_REQUEST',
    `request.session is a promise, and ${shown(key)} belongs to what it resolves with. Write: const session = await request.session.`,
  )
}

const shown = (key: string): string => (/^[A-Za-z_$][\w$]{0,99}$/.test(key) ? key : 'this key')
