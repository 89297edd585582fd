const CACHE_DIRECTIVES = /(?:[^,"]|"(?:\\.|[^"\\])*")+/g

/**
 * `Cache-Control` for a response with a session's cookie: never for a shared cache (RFC 9111, 5.2.2),
 * whatever was set before, since frameworks set `public` by themselves.
 */
export function cacheControlFor(seen: string | undefined): string {
  if (seen === undefined) return 'private'
  const directives = (seen.match(CACHE_DIRECTIVES) ?? [])
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '' && !/^(public|private|s-maxage\s*=.*)$/i.test(directive))
  return ['private', ...directives].join(', ')
}

/** `Vary` for a response that depends on the session. */
export function varyFor(seen: string | undefined): string {
  if (seen === undefined) return 'Cookie'
  const fields = seen
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '')
  if (fields.includes('*') || fields.some((field) => field.toLowerCase() === 'cookie')) return fields.join(', ')
  return [...fields, 'Cookie'].join(', ')
}

/**
 * Headers in any of the shapes that `writeHead` takes: an object, or a flat or nested array, where a
 * name may come several times. The values are for `setHeader` to check.
 */
export function headerEntries(headers: unknown): readonly (readonly [name: string, value: unknown])[] {
  if (!Array.isArray(headers)) {
    return typeof headers === 'object' && headers !== null ? Object.entries(headers) : []
  }
  const grouped = new Map<string, [name: string, value: unknown]>()
  for (const [name, value] of pairs(headers)) {
    const key = name.toLowerCase()
    const earlier = grouped.get(key)
    if (earlier) earlier[1] = [...listOf(earlier[1]), ...listOf(value)]
    else grouped.set(key, [name, value])
  }
  return [...grouped.values()]
}

/** The values of a header that is sent in several lines. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

function pairs(headers: readonly unknown[]): readonly (readonly [name: string, value: unknown])[] {
  if (Array.isArray(headers[0])) return headers.map((pair) => pairOf(listOf(pair), 0))
  if (headers.length % 2 !== 0) {
    throw Object.assign(new TypeError("The argument 'headers' is invalid: its last name has no value."), {
      code: 'ERR_INVALID_ARG_VALUE',
    })
  }
  return headers.filter((_, index) => index % 2 === 0).map((_, index) => pairOf(headers, index * 2))
}

function pairOf(list: readonly unknown[], index: number): readonly [name: string, value: unknown] {
  return [String(list[index]), list[index + 1]]
}
