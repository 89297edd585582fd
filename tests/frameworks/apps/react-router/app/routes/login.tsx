import { data, Form, redirect } from 'react-router'
import { sessionContext } from '../session.server'
import type { Route } from './+types/login'

export async function action({ context, request }: Route.ActionArgs) {
  const form = await request.formData()
  const user = findUser(form.get('name'), form.get('password'))
  if (user === undefined) return data({ problem: 'Wrong name or password.' }, { status: 401 })
  const session = await context.get(sessionContext)()
  // The token changes either way. An anonymous visitor's data moves along, but another user's data must not.
  if (session.user === undefined) session.regenerate()
  else session.destroy()
  session.user = user
  session.notice = `Welcome, ${user}.`
  throw redirect('/', 303)
}

export default function LogIn({ actionData }: Route.ComponentProps) {
  return (
    <Form method="post">
      <p role="alert">{actionData?.problem}</p>
      <input name="name" aria-label="Name" autoComplete="username" />
      <input name="password" aria-label="Password" type="password" autoComplete="current-password" />
      <button>Log in</button>
    </Form>
  )
}

/** Stands in for your user database, which stores hashed passwords. */
function findUser(name: unknown, password: unknown): string | undefined {
  const users = [
    { name: 'ada', password: 'lovelace' },
    { name: 'grace', password: 'hopper' },
  ]
  return users.find((user) => user.name === name && user.password === password)?.name
}
