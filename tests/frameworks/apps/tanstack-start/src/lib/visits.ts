import { redirect } from '@tanstack/react-router'
import { createServerFn } from '@tanstack/react-start'

export const getPage = createServerFn().handler(async ({ context }) => {
  const session = await context.session()
  return { visits: session.visits ?? 0, user: session.user ?? 'a stranger', notice: session.take('notice') }
})

export const addVisit = createServerFn({ method: 'POST' }).handler(async ({ context }) => {
  const session = await context.session()
  return session.update('visits', (n = 0) => n + 1)
})

export const failToVisit = createServerFn({ method: 'POST' }).handler(async ({ context }) => {
  const session = await context.session()
  session.update('visits', (n = 0) => n + 1)
  throw new Error('This server function fails.')
})

export const logOut = createServerFn({ method: 'POST' }).handler(async ({ context }) => {
  const session = await context.session()
  session.destroy()
  session.notice = 'You are logged out.' // in a new session
  throw redirect({ to: '/', statusCode: 303 })
})
