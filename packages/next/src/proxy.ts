import type { Sessions, Storable } from '@sess/core'
import { cookies } from 'next/headers.js'
import { type NextRequest, NextResponse } from 'next/server.js'
import { changesOf, withCookies } from './request.js'
import { answer, cookiesOf } from './route.js'
import type { ProxyHandler } from './types.js'
import type { Visits } from './visit.js'

/** As Next says of a page that is rendered for one visitor. What the page says of itself would be replaced by less. */
const FOR_ONE_VISITOR = 'private, no-cache, no-store, max-age=0, must-revalidate'

/** The names of all headers that the request has from now on, as `NextResponse.next({ request })` writes them. */
const LIST = 'x-middleware-override-headers'

/** Runs the proxy. What its request then reaches has the cookies that it has set. */
export async function pass<D extends Storable<D>>(
  sess: Sessions<D>,
  visits: Visits<D>,
  request: NextRequest,
  handler: () => ReturnType<ProxyHandler>,
): Promise<Response> {
  const jar = await cookies()
  const response = await answer(sess, visits, request, async () => (await handler()) ?? NextResponse.next())
  const set = cookiesOf(response)
  if (set.length === 0) return response
  const sent = request.headers.get('cookie') ?? ''
  // Of a proxy that has set cookies by `cookies()`, Next sends those alone.
  if (changesOf(sent, jar).length > 0) for (const cookie of set) jar.set(cookie)
  if (!PASSING.some((name) => response.headers.has(name))) return response
  response.headers.set('cache-control', FOR_ONE_VISITOR)
  passOn(response.headers, request.headers, withCookies(sent, set))
  return response
}

/** Either is how a proxy says that its request goes on. */
const PASSING = ['x-middleware-next', 'x-middleware-rewrite']

/** Makes the request go on with this `Cookie` header, and with what else the proxy has changed of its headers. */
function passOn(response: Headers, request: Headers, cookie: string): void {
  const listed = response.get(LIST)
  if (listed !== null) {
    if (!listed.split(',').includes('cookie')) response.set(LIST, `${listed},cookie`)
    response.set('x-middleware-request-cookie', cookie)
    return
  }
  const headers = new Headers(request)
  headers.set('cookie', cookie)
  const { headers: written } = NextResponse.next({ request: { headers } })
  for (const [name, value] of written) if (!PASSING.includes(name)) response.set(name, value)
}
