/** A value that a session can hold: JSON carries it unaltered (RFC 8259). */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
export type Values = Readonly<Record<string, Json>>

export function valueAt(fields: Values, key: string): Json | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined
}

/** `undefined` removes the key. */
export function setValue(fields: Record<string, Json>, key: string, value: Json | undefined): void {
  if (value === undefined) Reflect.deleteProperty(fields, key)
  // Here `__proto__` is a key like any other. An assignment would set the prototype.
  else if (key === '__proto__')
    Object.defineProperty(fields, key, { value, writable: true, enumerable: true, configurable: true })
  else fields[key] = value
}
