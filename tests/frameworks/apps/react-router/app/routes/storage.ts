import { commitSession, destroySession, getSession } from '../storage.server'
import type { Route } from './+types/storage'

export async function loader({ request }: Route.LoaderArgs) {
  const session = await getSession(request.headers.get('cookie'))
  return new Response(`${session.get('count') ?? 0}`)
}

/** Counts, ends the session, or does both at once as two requests would. */
export async function action({ request }: Route.ActionArgs) {
  const cookie = request.headers.get('cookie')
  const form = await request.formData()
  const session = await getSession(cookie)
  session.set('count', (session.get('count') ?? 0) + 1)
  const destroyed = form.get('do') === 'count' ? undefined : await destroySession(await getSession(cookie))
  const setCookie = form.get('do') === 'destroy' && destroyed ? destroyed : await commitSession(session)
  return new Response(null, { headers: { 'set-cookie': setCookie } })
}
