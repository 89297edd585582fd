import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Sessions } from '@sess/core'
import { redirect } from './page.js'
import type { Handler } from './slice.js'
import type { Visitor } from './visitor.js'

/**
 * A cookie that says that somebody has logged in here and has not logged out, and nothing else. Without it, a visitor whose
 * session was ended elsewhere would look like one who never logged in.
 */
const COOKIE = 'member=1'
const ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Lax'
const YEAR_SECONDS = 365 * 24 * 60 * 60

/** Adds the cookie to the response to a login. It survives a restart of the browser if the session does. */
export function join(response: ServerResponse, isRemembered: boolean): void {
  response.appendHeader('set-cookie', `${COOKIE}; ${ATTRIBUTES}${isRemembered ? `; Max-Age=${YEAR_SECONDS}` : ''}`)
}

/** Removes the cookie. */
export function leave(response: ServerResponse): void {
  response.appendHeader('set-cookie', `${COOKIE}; ${ATTRIBUTES}; Max-Age=0`)
}

/** A handler that sends a user whose session has ended to the login page, and does nothing else for that request. */
export function guarded(sess: Sessions<Visitor>, handler: Handler): Handler {
  return async (request, response) => {
    const { user } = await sess.open(request, response)
    if (user === undefined && isMember(request)) redirect(response, '/login')
    else await handler(request, response)
  }
}

/** What the login page says, once, to somebody who is no longer logged in. */
export function takeEndNotice(request: IncomingMessage, response: ServerResponse): string | undefined {
  if (!isMember(request)) return undefined
  leave(response)
  return 'Your session has ended. Log in again to go on.'
}

function isMember({ headers }: IncomingMessage): boolean {
  return (headers.cookie ?? '').split('; ').includes(COOKIE)
}
