import process from 'node:process'
import { sess } from './sess.ts'

const redirect = (location: string) => new Response(null, { status: 303, headers: { location } })

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  switch (`${request.method} ${pathname}`) {
    case 'GET /': {
      const session = await sess.open(request)
      const { visits = 0, user = 'a stranger' } = session
      return new Response(`${visits} visits by ${user}. ${session.take('notice') ?? ''}`)
    }
    case 'POST /visit': {
      const session = await sess.open(request)
      return new Response(`Visit number ${session.update('visits', (n = 0) => n + 1)}`)
    }
    case 'POST /login': {
      const form = await request.formData()
      if (form.get('password') !== 'lovelace') return new Response('Wrong name or password.', { status: 401 })
      const session = await sess.open(request)
      session.regenerate()
      session.user = String(form.get('name'))
      session.notice = `Welcome, ${session.user}.`
      return redirect('/')
    }
    case 'POST /logout': {
      const session = await sess.open(request)
      session.destroy()
      session.notice = 'You are logged out.' // in a new session
      return redirect('/')
    }
    case 'POST /fail': {
      const session = await sess.open(request)
      session.update('visits', (n = 0) => n + 1)
      throw new Error('This request fails.')
    }
    default:
      return new Response('Not found.', { status: 404 })
  }
}

Deno.serve({ port: Number(process.env.PORT ?? 3000) }, sess.fetch(answer))
