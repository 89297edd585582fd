import { initTRPC, TRPCError } from '@trpc/server'
import type { RequestSession } from './session.ts'

const t = initTRPC.context<{ session: RequestSession }>().create()

/** What the client sent, or an error. */
function credentials(input: unknown): { name: string; password: string } {
  const { name, password } = Object(input)
  if (typeof name === 'string' && typeof password === 'string') return { name, password }
  throw new Error('A login needs a name and a password.')
}

export const router = t.router({
  page: t.procedure.query(async ({ ctx }) => {
    const session = await ctx.session.open()
    const { visits = 0, user = 'a stranger' } = session
    return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
  }),

  visit: t.procedure.mutation(async ({ ctx }) => {
    const session = await ctx.session.open()
    return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
  }),

  login: t.procedure.input(credentials).mutation(async ({ ctx, input: { name, password } }) => {
    if (password !== 'lovelace') throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Wrong name or password.' })
    const session = await ctx.session.open()
    session.regenerate()
    session.user = name
    session.notice = `Welcome, ${name}.`
  }),

  logout: t.procedure.mutation(async ({ ctx }) => {
    const session = await ctx.session.open()
    session.destroy()
    session.notice = 'You are logged out.' // in a new session
  }),

  fail: t.procedure.mutation(async ({ ctx }) => {
    const session = await ctx.session.open()
    session.update('visits', (n = 0) => n + 1)
    throw new Error('This call fails.')
  }),

  refuse: t.procedure.mutation(async ({ ctx }) => {
    const session = await ctx.session.open()
    session.update('visits', (n = 0) => n + 1)
    throw new TRPCError({ code: 'BAD_REQUEST', message: 'Not like this.' })
  }),

  savedVisit: t.procedure.mutation(async ({ ctx }) => {
    const session = await ctx.session.open()
    const visits = session.update('visits', (n = 0) => n + 1)
    await session.save()
    return `Visit number ${visits}`
  }),
})
