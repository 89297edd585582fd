import type { Sessions, Storable } from '@sess/core'
import { cookies } from 'next/headers.js'
import { NextResponse } from 'next/server.js'
import { isNavigation, statusOf } from './navigation.js'
import type { Visits } from './visit.js'

/** Answers a request, and stores what the handler has changed, also if it throws a redirect. */
export async function answer<D extends Storable<D>>(
  sess: Sessions<D>,
  visits: Visits<D>,
  request: Request,
  handler: () => Response | Promise<Response>,
): Promise<Response> {
  const jar = await cookies()
  let navigation: { readonly thrown: unknown } | undefined
  const handle = sess.fetch(async () => {
    visits.begin(jar, () => sess.open(request))
    try {
      return await handler()
    } catch (thrown) {
      if (!isNavigation(thrown)) throw thrown
      // Next answers these without a body and, if they are thrown, without the cookies.
      const status = statusOf(thrown)
      if (status !== undefined) return new Response(null, { status })
      navigation = { thrown }
      return new Response()
    }
  })
  const response = await handle(request)
  if (navigation === undefined || !response.ok) return response
  for (const cookie of cookiesOf(response)) jar.set(cookie)
  throw navigation.thrown
}

/** The cookies that a response sets. */
export function cookiesOf({ headers }: Response): ReturnType<NextResponse['cookies']['getAll']> {
  return new NextResponse(null, { headers }).cookies.getAll()
}
