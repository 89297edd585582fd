'use server'

import { notFound, redirect } from 'next/navigation'
import { sess } from '@/lib/session'

export const logIn = sess.action(async (form: FormData) => {
  const user = String(form.get('name'))
  if (form.get('password') !== 'lovelace') return
  const session = await sess()
  // The token changes either way. An anonymous visitor's data moves along, but another user's data must not.
  if (session.user === undefined) session.regenerate()
  else session.destroy()
  session.user = user
  session.notice = `Welcome, ${user}.`
  redirect('/')
})

export async function logOut() {
  const session = await sess()
  session.destroy()
  session.notice = 'You are logged out.'
  await session.save()
}

export const count = sess.action(async () => {
  const session = await sess()
  return session.update('visits', (n = 0) => n + 1)
})

export const dismiss = sess.action(async () => {
  const session = await sess()
  session.take('notice')
})

export const fail = sess.action(async () => {
  const session = await sess()
  session.update('visits', (n = 0) => n + 1)
  throw new Error('This action fails.')
})

/** A component may call this too: it only reads. */
export const whoAmI = sess.action(async () => (await sess()).user ?? 'a stranger')

export const lose = sess.action(async () => {
  const session = await sess()
  session.notice = 'Not here.'
  notFound()
})
