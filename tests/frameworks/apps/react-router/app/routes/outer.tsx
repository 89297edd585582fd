import { Outlet } from 'react-router'
import { sessionContext } from '../session.server'
import type { Route } from './+types/outer'

/** Runs at the same time as the loader of the page inside it. */
export async function loader({ context }: Route.LoaderArgs) {
  const session = await context.get(sessionContext)()
  session.update('visits', (n = 0) => n + 1)
  return null
}

export default function Outer() {
  return <Outlet />
}
