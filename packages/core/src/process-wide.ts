/**
 * What all copies of a module in the process share, made by the first of them. A process may load a module twice: for
 * `import` and for `require`, from two bundles, in two versions. `name` names the package and the version of the shape of
 * what is shared, which must not change: a copy of another version may use it.
 */
export function processWide<T extends object>(name: string, make: () => T): T {
  const key = Symbol.for(name)
  // The name says what is there.
  const known = Reflect.get(globalThis, key) as T | undefined
  if (known !== undefined) return known
  const made = make()
  Object.defineProperty(globalThis, key, { value: made })
  return made
}
