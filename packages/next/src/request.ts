import type { CookieJar } from 'next/headers.js'

/** A request with these headers and cookies, to open its session. */
export function requestWith(sent: Headers, cookie: string): Request {
  const headers = new Headers(sent)
  headers.set('cookie', cookie)
  const url = `http://${sent.get('host') ?? ''}`
  return new Request(URL.canParse(url) ? url : 'http://host.invalid', { headers })
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
