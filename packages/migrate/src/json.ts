export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The object in a text of JSON. `undefined`: there is none. Keys called `__proto__` are left out, at any depth: code that
 * copies the object key by key would set a prototype.
 */
export function parseObject(json: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(json, (key, inner: unknown) => (key === '__proto__' ? undefined : inner))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
