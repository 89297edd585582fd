import { redirect } from '@tanstack/react-router'
import { createMiddleware } from '@tanstack/react-start'

/** Lets only users in, and counts who knocks. */
export const memberMiddleware = createMiddleware().server(async ({ context, next }) => {
  const session = await context.session()
  session.update('visits', (n = 0) => n + 1)
  if (session.user === undefined) throw redirect({ to: '/', statusCode: 303 })
  return next({ context: { user: session.user } })
})
