import { sess } from './sess'

const redirect = (location: string) => new Response(null, { status: 303, headers: { location } })

Bun.serve({
  port: process.env.PORT ?? 3000,
  routes: {
    '/': sess.fetch(async (request) => {
      const session = await sess.open(request)
      const { visits = 0, user = 'a stranger' } = session
      return new Response(`${visits} visits by ${user}. ${session.take('notice') ?? ''}`)
    }),

    '/visit': {
      POST: sess.fetch(async (request) => {
        const session = await sess.open(request)
        return new Response(`Visit number ${session.update('visits', (n = 0) => n + 1)}`)
      }),
    },

    '/login': {
      POST: sess.fetch(async (request) => {
        const form = await request.formData()
        if (form.get('password') !== 'lovelace') return new Response('Wrong name or password.', { status: 401 })
        const session = await sess.open(request)
        session.regenerate()
        session.user = String(form.get('name'))
        session.notice = `Welcome, ${session.user}.`
        return redirect('/')
      }),
    },

    '/logout': {
      POST: sess.fetch(async (request) => {
        const session = await sess.open(request)
        session.destroy()
        session.notice = 'You are logged out.' // in a new session
        return redirect('/')
      }),
    },

    '/fail': {
      POST: sess.fetch(async (request) => {
        const session = await sess.open(request)
        session.update('visits', (n = 0) => n + 1)
        throw new Error('This request fails.')
      }),
    },
  },
})
