import { Elysia, redirect, status, t } from 'elysia'
import { sess } from './sess'

const app = new Elysia()
  .derive(({ request }) => ({ openSession: () => sess.open(request) }))
  .get('/', async ({ openSession }) => {
    const session = await openSession()
    const { visits = 0, user = 'a stranger' } = session
    return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
  })
  .post('/visit', async ({ openSession }) => {
    const session = await openSession()
    return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
  })
  .post(
    '/login',
    async ({ openSession, body: { name, password } }) => {
      if (password !== 'lovelace') throw status(401, 'Wrong name or password.')
      const session = await openSession()
      session.regenerate()
      session.user = name
      session.notice = `Welcome, ${name}.`
      throw redirect('/', 303)
    },
    { body: t.Object({ name: t.String(), password: t.String() }) },
  )
  .post('/logout', async ({ openSession, redirect }) => {
    const session = await openSession()
    session.destroy()
    session.notice = 'You are logged out.' // in a new session
    return redirect('/', 303)
  })
  .post('/fail', async ({ openSession }) => {
    const session = await openSession()
    session.update('visits', (n = 0) => n + 1)
    throw new Error('This request fails.')
  })
  .post('/refuse', async ({ openSession, query }) => {
    const session = await openSession()
    session.update('visits', (n = 0) => n + 1)
    if ('discard' in query) sess.discard(session)
    throw status(422, 'Not like this.')
  })
  // The handler of another framework gets a copy of the request.
  .mount(
    '/mounted',
    sess.fetch(async (request) => {
      const session = await sess.open(request)
      return new Response(`Mounted for ${session.user ?? 'a stranger'}, ${session.update('visits', (n = 0) => n + 1)}`)
    }),
  )

Bun.serve({ fetch: sess.fetch(app.fetch), port: process.env.PORT, hostname: '127.0.0.1' })
