import type { CookieJar } from 'next/headers.js'

/** Next adds these itself where no proxy has. */
const ADDED_BY_NEXT = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto']

/** A request with these headers and cookies, to open its session. */
export function requestWith(given: Headers, cookie: string): Request {
  const headers = new Headers(given)
  headers.set('cookie', cookie)
  if (isDirect(given)) for (const name of ADDED_BY_NEXT) headers.delete(name)
  const url = `http://${given.get('host') ?? ''}`
  return new Request(URL.canParse(url) ? url : 'http://host.invalid', { headers })
}

/**
 * Whether the forwarding headers say nothing but that a browser on this machine asked this server over plain http: those
 * of a proxy differ in one of them.
 */
function isDirect(headers: Headers): boolean {
  const peer = headers.get('x-forwarded-for') ?? '::1'
  const host = headers.get('host')
  return (
    /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(peer) &&
    (headers.get('x-forwarded-host') ?? host) === host &&
    (headers.get('x-forwarded-proto') ?? 'http') === 'http'
  )
}

interface Cookie {
  readonly name: string
  readonly value: string
}

/** The pairs of a `Cookie` header, as the browser sent them: Next decodes values, and keeps one of several of one name. */
const pairsOf = (sent: string): readonly string[] =>
  sent
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')

const nameOf = (pair: string): string => pair.split('=', 1)[0] ?? ''

/** A `Cookie` header in which these cookies have changed. An empty value: the cookie is gone. */
export function withCookies(sent: string, changed: readonly Cookie[]): string {
  const names = new Set(changed.map(({ name }) => name))
  const kept = pairsOf(sent).filter((pair) => !names.has(nameOf(pair)))
  const added = changed.filter(({ value }) => value !== '')
  return [...kept, ...added.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`)].join('; ')
}

/** What differs between the cookies that the browser sent and those that Next has now, after the proxy or an action. */
export function changesOf(sent: string, jar: CookieJar): readonly Cookie[] {
  const pairs = pairsOf(sent)
  const changed = jar.getAll().filter(({ name, value }) => !pairs.includes(`${name}=${value}`))
  const gone = pairs.map(nameOf).filter((name) => !jar.has(name))
  return [...changed, ...gone.map((name) => ({ name, value: '' }))]
}
