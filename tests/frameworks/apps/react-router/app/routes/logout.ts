import { redirect } from 'react-router'
import { sessionContext } from '../session.server'
import type { Route } from './+types/logout'

export async function action({ context }: Route.ActionArgs) {
  const session = await context.get(sessionContext)()
  session.destroy()
  session.notice = 'You are logged out.' // in a new session
  return redirect('/', 303)
}
