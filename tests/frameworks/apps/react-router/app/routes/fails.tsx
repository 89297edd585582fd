import { data, redirect } from 'react-router'
import { sessionContext } from '../session.server'
import type { Route } from './+types/fails'

/** Counts a visit, and then gives up. */
export async function loader({ context, params }: Route.LoaderArgs) {
  const session = await context.get(sessionContext)()
  session.update('visits', (n = 0) => n + 1)
  if (params.how === 'with-404') throw data('There is nothing here.', 404)
  if (params.how === 'with-redirect') throw redirect('/', 303)
  throw new Error('This page fails.')
}

export default function Fails() {
  return <p>Nobody sees this.</p>
}
