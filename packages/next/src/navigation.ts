/**
 * Whether something thrown is how Next goes on to another page: `redirect`, `notFound`, `forbidden`, `unauthorized`. Each
 * has a `digest` that begins so, since the bundles of an application have classes of their own.
 */
export function isNavigation(thrown: unknown): boolean {
  return /^NEXT_(?:REDIRECT|HTTP_ERROR_FALLBACK)\b/.test(digestOf(thrown))
}

/** The status of `notFound`, `forbidden` and `unauthorized`: 401 to 404. `undefined`: it is none of them. */
export function statusOf(thrown: unknown): number | undefined {
  const status = /^NEXT_HTTP_ERROR_FALLBACK;(\d{3})$/.exec(digestOf(thrown))?.[1]
  return status === undefined ? undefined : Number(status)
}

function digestOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null || !('digest' in thrown)) return ''
  return typeof thrown.digest === 'string' ? thrown.digest : ''
}
