import type { Handle, HandleFetch, HandleServerError } from '@sveltejs/kit/hooks'
import { sess } from './lib/server/sess'

const respond = sess.fetch(async (request, { event, resolve }: Parameters<Handle>[0]) => {
  const { locals } = event
  locals.session = async () => (locals.opened = await sess.open(request))
  const response = await resolve(event)
  // If the browser navigates by itself, a load function that failed is answered with 200.
  if (locals.opened !== undefined && locals.hasFailed) sess.discard(locals.opened)
  return response
})

// A request that event.fetch makes to this application uses the session of the request that makes it.
const outer = new WeakMap<Request, App.Locals>()

export const handleFetch: HandleFetch = ({ event, request, fetch }) => {
  if (request.credentials !== 'omit') outer.set(request, event.locals)
  return fetch(request)
}

export const handle: Handle = ({ event, resolve }) => {
  const locals = outer.get(event.request)
  if (locals === undefined) return respond(event.request, { event, resolve })
  event.locals.session = locals.session
  return resolve(event)
}

export const handleError: HandleServerError = ({ kind, error, event }) => {
  if (kind === 'unknown') console.error(error)
  event.locals.hasFailed ||= kind === 'unknown' || error.status >= 500
}
