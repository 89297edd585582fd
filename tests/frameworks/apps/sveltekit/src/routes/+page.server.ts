import { fail, redirect } from '@sveltejs/kit'
import type { Actions, PageServerLoad } from './$types'

export const load: PageServerLoad = async ({ locals }) => {
  const session = await locals.session()
  return { visits: session.visits ?? 0, user: session.user ?? 'a stranger', notice: session.take('notice') ?? '' }
}

export const actions: Actions = {
  login: async ({ locals, request }) => {
    const form = await request.formData()
    const user = findUser(form.get('name'), form.get('password'))
    if (user === undefined) return fail(401, { problem: 'Wrong name or password.' })
    const session = await locals.session()
    // The token changes either way. An anonymous visitor's data moves along, but another user's data must not.
    if (session.user === undefined) session.regenerate()
    else session.destroy()
    session.user = user
    session.notice = `Welcome, ${user}.`
    redirect(303, '/')
  },

  logout: async ({ locals }) => {
    const session = await locals.session()
    session.destroy()
    session.notice = 'You are logged out.' // in a new session
    redirect(303, '/')
  },

  visit: async ({ locals }) => {
    const session = await locals.session()
    return { visit: session.update('visits', (n = 0) => n + 1) }
  },

  fail: async ({ locals }) => {
    const session = await locals.session()
    session.update('visits', (n = 0) => n + 1)
    throw new Error('This request fails.')
  },
}

/** Stands in for your user database, which stores hashed passwords. */
function findUser(name: unknown, password: unknown): string | undefined {
  const users = [
    { name: 'ada', password: 'lovelace' },
    { name: 'grace', password: 'hopper' },
  ]
  return users.find((user) => user.name === name && user.password === password)?.name
}
