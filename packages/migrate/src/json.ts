export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The object that a text of JSON has. `undefined`: it has none. Keys called `__proto__` are left out, at any depth, so that
 * whoever copies the object by assignment keeps the prototype.
 */
export function parseObject(json: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(json, (key, inner: unknown) => (key === '__proto__' ? undefined : inner))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
