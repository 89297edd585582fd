import { notFound, redirect } from '@tanstack/react-router'
import { createServerFn } from '@tanstack/react-start'

/** Counts a visit, and then gives up. */
export const giveUp = createServerFn()
  .validator((how: string) => how)
  .handler(async ({ context, data: how }) => {
    const session = await context.session()
    session.update('visits', (n = 0) => n + 1)
    if (how === 'with-404') throw notFound()
    if (how === 'with-redirect') throw redirect({ to: '/', statusCode: 303 })
    throw new Error('This page fails.')
  })
