import { Form, Link } from 'react-router'
import { sessionContext } from '../session.server'
import type { Route } from './+types/home'

export async function loader({ context }: Route.LoaderArgs) {
  const session = await context.get(sessionContext)()
  return { visits: session.visits ?? 0, user: session.user ?? 'a stranger', notice: session.take('notice') }
}

export default function Home({ loaderData: { visits, user, notice } }: Route.ComponentProps) {
  return (
    <main>
      <p>
        {visits} visits by {user}. {notice}
      </p>
      <Form method="post" action="/visit">
        <button>Visit</button>
      </Form>
      <Link to="/login">Log in</Link>
      <Form method="post" action="/logout">
        <button>Log out</button>
      </Form>
    </main>
  )
}
