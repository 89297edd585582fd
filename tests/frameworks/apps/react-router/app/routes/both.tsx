import { sessionContext } from '../session.server'
import type { Route } from './+types/both'

export async function loader({ context }: Route.LoaderArgs) {
  const session = await context.get(sessionContext)()
  session.update('visits', (n = 0) => n + 1)
  return null
}

export default function Both() {
  return <p>Both loaders have counted.</p>
}
