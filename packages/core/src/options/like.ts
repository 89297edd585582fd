import { type Check, invalidOption } from './check.js'

/**
 * A value that another library made, such as a pool of its client: an object that has these members. It checks the
 * members and not the class, because the application may have another copy of the library. `expected` describes it in
 * the error.
 */
export function like<T extends object>(expected: string, ...members: readonly (keyof T)[]): Check<T> {
  function hasMembers(value: unknown): value is T {
    return typeof value === 'object' && value !== null && members.every((member) => member in value)
  }
  return (value, path) => {
    if (hasMembers(value)) return value
    throw invalidOption(path, value, expected)
  }
}
