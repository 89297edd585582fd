import { sessionContext } from '../session.server'
import type { Route } from './+types/fail'

export async function action({ context }: Route.ActionArgs) {
  const session = await context.get(sessionContext)()
  session.update('visits', (n = 0) => n + 1)
  throw new Error('This action fails.')
}

export default function Fail() {
  return <p>Nobody sees this.</p>
}
