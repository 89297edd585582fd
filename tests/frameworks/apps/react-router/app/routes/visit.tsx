import { Link } from 'react-router'
import { sessionContext } from '../session.server'
import type { Route } from './+types/visit'

export async function action({ context }: Route.ActionArgs) {
  const session = await context.get(sessionContext)()
  return { visit: session.update('visits', (n = 0) => n + 1) }
}

export default function Visit({ actionData }: Route.ComponentProps) {
  return (
    <p>
      {`Visit number ${actionData?.visit}.`} <Link to="/">Back</Link>
    </p>
  )
}
