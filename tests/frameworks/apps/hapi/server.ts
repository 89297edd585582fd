import { badRequest, unauthorized } from '@hapi/boom'
import { type Lifecycle, server as createServer } from '@hapi/hapi'
import { session } from './session.ts'

const server = createServer({ port: process.env.PORT, host: '127.0.0.1' })
await server.register(session)

server.route({
  method: 'GET',
  path: '/',
  async handler(request) {
    const session = await request.session()
    const { visits = 0, user = 'a stranger' } = session
    return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
  },
})

server.route({
  method: 'POST',
  path: '/visit',
  async handler(request) {
    const session = await request.session()
    return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
  },
})

server.route<{ Payload: { name: string; password: string } }>({
  method: 'POST',
  path: '/login',
  async handler(request, h) {
    const { name, password } = request.payload
    if (password !== 'lovelace') throw unauthorized('Wrong name or password.')
    const session = await request.session()
    session.regenerate()
    session.user = name
    session.notice = `Welcome, ${name}.`
    return h.redirect('/').code(303)
  },
})

server.route({
  method: 'POST',
  path: '/logout',
  async handler(request, h) {
    const session = await request.session()
    session.destroy()
    session.notice = 'You are logged out.' // in a new session
    return h.redirect('/').code(303)
  },
})

server.route({
  method: 'POST',
  path: '/fail',
  async handler(request) {
    const session = await request.session()
    session.update('visits', (n = 0) => n + 1)
    throw new Error('This request fails.')
  },
})

/** Sends who is not logged in to the login, before the handler runs. */
const memberOnly: Lifecycle.Method = async (request, h) => {
  const session = await request.session()
  if (session.user !== undefined) return h.continue
  session.notice = 'Log in first.'
  return h.redirect('/').code(303).takeover()
}

server.route({
  method: 'GET',
  path: '/member',
  options: { pre: [memberOnly] },
  handler: async (request) => `Hello, ${(await request.session()).user}.`,
})

server.route({
  method: 'POST',
  path: '/saved-visit',
  async handler(request) {
    const session = await request.session()
    session.update('visits', (n = 0) => n + 1)
    await session.save()
    return 'Saved.'
  },
})

server.route({
  method: 'POST',
  path: '/refuse',
  async handler(request) {
    const session = await request.session()
    session.update('visits', (n = 0) => n + 1)
    throw badRequest('Not like this.')
  },
})

await server.start()
