import { ActionError, defineAction } from 'astro:actions'
import { z } from 'astro/zod'

export const server = {
  login: defineAction({
    accept: 'form',
    input: z.object({ name: z.string(), password: z.string() }),
    handler: async ({ name, password }, { locals }) => {
      const user = findUser(name, password)
      if (user === undefined) throw new ActionError({ code: 'UNAUTHORIZED', message: 'Wrong name or password.' })
      const session = await locals.session()
      // The token changes either way. An anonymous visitor's data moves along, but another user's data must not.
      if (session.user === undefined) session.regenerate()
      else session.destroy()
      session.user = user
      session.notice = `Welcome, ${user}.`
    },
  }),

  visit: defineAction({
    accept: 'form',
    handler: async (_, { locals }) => {
      const session = await locals.session()
      return session.update('visits', (n = 0) => n + 1)
    },
  }),

  fail: defineAction({
    accept: 'form',
    handler: async (_, { locals }) => {
      const session = await locals.session()
      session.update('visits', (n = 0) => n + 1)
      throw new Error('This action fails.')
    },
  }),
}

/** Stands in for your user database, which stores hashed passwords. */
function findUser(name: string, password: string): string | undefined {
  const users = [
    { name: 'ada', password: 'lovelace' },
    { name: 'grace', password: 'hopper' },
  ]
  return users.find((user) => user.name === name && user.password === password)?.name
}
