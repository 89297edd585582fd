import { createFileRoute, redirect } from '@tanstack/react-router'

export const Route = createFileRoute('/login')({
  server: {
    handlers: {
      POST: async ({ context, request }) => {
        const form = await request.formData()
        const user = findUser(form.get('name'), form.get('password'))
        if (user === undefined) return new Response('Wrong name or password.', { status: 401 })
        const session = await context.session()
        // The token changes either way. An anonymous visitor's data moves along, but another user's data must not.
        if (session.user === undefined) session.regenerate()
        else session.destroy()
        session.user = user
        session.notice = `Welcome, ${user}.`
        throw redirect({ to: '/', statusCode: 303 })
      },
    },
  },
})

/** Stands in for your user database, which stores hashed passwords. */
function findUser(name: unknown, password: unknown): string | undefined {
  const users = [
    { name: 'ada', password: 'lovelace' },
    { name: 'grace', password: 'hopper' },
  ]
  return users.find((user) => user.name === name && user.password === password)?.name
}
