import type { Headers, SeenHeaders } from './types.js'

/** The head of a response of Node. */
export interface Head {
  getHeader(name: string): number | string | readonly string[] | undefined
  getHeaderNames(): string[]
  setHeader(name: string, value: unknown): unknown
}

/** The headers that are set on a response of Node. */
export class SeenHead implements SeenHeaders {
  readonly #head: Head

  constructor(head: Head) {
    this.#head = head
  }

  get vary(): string | undefined {
    return textOf(this.#head.getHeader('vary'))
  }

  get cacheControl(): string | undefined {
    return textOf(this.#head.getHeader('cache-control'))
  }

  get names(): Iterable<string> {
    return this.#head.getHeaderNames()
  }
}

/** Adds the session's headers to those that are set. */
export function putHeaders(head: Head, headers: Headers): void {
  for (const [name, value] of headers) {
    head.setHeader(name, name === 'set-cookie' ? [...listOf(head.getHeader(name)), value] : value)
  }
}

/**
 * Headers in any of the shapes that `writeHead` takes: an object, or a flat or nested array in which a name may occur
 * several times. `setHeader` checks the values.
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

/** The values of a header that may be sent on several lines. */
function listOf(value: unknown): readonly unknown[] {
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

function textOf(header: number | string | readonly string[] | undefined): string | undefined {
  return header === undefined ? undefined : String(header)
}
