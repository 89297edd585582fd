import { H3, type H3Event, HTTPError, redirect } from 'h3'
import { serve } from 'srvx'
import { sess } from './sess.ts'

declare module 'h3' {
  interface H3EventContext {
    /** The request of the browser, in a request that the application makes of itself. */
    request?: Request
  }
}

const openSession = ({ context, req }: H3Event) => sess.open(context.request ?? req)

const app = new H3()

app.get('/', async (event) => {
  const session = await openSession(event)
  const { visits = 0, user = 'a stranger' } = session
  return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
})

app.post('/visit', async (event) => {
  const session = await openSession(event)
  return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
})

app.post('/login', async (event) => {
  const form = await event.req.formData()
  if (form.get('password') !== 'lovelace') throw new HTTPError('Wrong name or password.', { status: 401 })
  const session = await openSession(event)
  session.regenerate()
  session.user = String(form.get('name'))
  session.notice = `Welcome, ${session.user}.`
  return redirect('/', 303)
})

app.post('/logout', async (event) => {
  const session = await openSession(event)
  session.destroy()
  session.notice = 'You are logged out.' // in a new session
  return redirect('/', 303)
})

app.post('/fail', async (event) => {
  const session = await openSession(event)
  session.update('visits', (n = 0) => n + 1)
  throw new Error('This request fails.')
})

app.post('/refuse', async (event) => {
  const session = await openSession(event)
  session.update('visits', (n = 0) => n + 1)
  if (event.url.searchParams.has('discard')) sess.discard(session)
  throw new HTTPError('Not like this.', { status: 422 })
})

/** Makes two requests of itself, which share this one's session. */
app.post('/twice', async (event) => {
  const visit = async () => (await app.request('/visit', { method: 'POST' }, { request: event.req })).text()
  return `${await visit()}, ${await visit()}`
})

serve({ fetch: sess.fetch((request) => app.fetch(request)), port: process.env.PORT, hostname: '127.0.0.1' })
