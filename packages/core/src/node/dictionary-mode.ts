const FIRST = Symbol('first')
const LAST = Symbol('last')

/**
 * Puts a response into V8's dictionary mode if its prototype has no class. Express gives each response its own
 * prototype: V8 then has a hidden class for each response, and makes another one for each property that is set. That
 * was two thirds of a session's cost on Express. Deleting a property turns the object into a hash table, which avoids
 * this.
 */
export function toDictionaryMode(response: object): void {
  const prototype: unknown = Object.getPrototypeOf(response)
  if (typeof prototype !== 'object' || prototype === null || Object.hasOwn(prototype, 'constructor')) return
  // Two properties: V8 undoes the deletion of the last one that was set.
  Object.assign(response, { [FIRST]: true, [LAST]: true })
  for (const key of [FIRST, LAST]) Reflect.deleteProperty(response, key)
}
