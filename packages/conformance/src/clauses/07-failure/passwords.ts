/** Shorter texts also occur by chance. */
const SHORTEST = 4

/** The passwords in a store's options: those of URLs, and the texts of fields that are named like one. */
export function passwordsOf(options: unknown): readonly string[] {
  if (typeof options === 'string') return passwordsOfUrl(options)
  if (Array.isArray(options)) return options.flatMap(passwordsOf)
  if (!isPlain(options)) return []
  return Object.entries(options).flatMap(([name, value]) => {
    const isPassword = typeof value === 'string' && value.length >= SHORTEST && /pass|secret|token/i.test(name)
    return isPassword ? [value] : passwordsOf(value)
  })
}

/** As it is written in the URL, and as it is sent. */
function passwordsOfUrl(text: string): readonly string[] {
  const [, written = ''] = /^[a-z][\w+.-]*:\/\/[^/?#\s]*?:([^/?#\s]+)@/i.exec(text) ?? []
  return written.length < SHORTEST ? [] : [written, decoded(written)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A client that was passed in is not searched. */
function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
