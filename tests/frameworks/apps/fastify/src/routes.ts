import type { FastifyInstance } from 'fastify'

export default async function routes(app: FastifyInstance) {
  app.get('/', async (request) => {
    const session = await request.session
    const { visits = 0, user = 'a stranger' } = session
    return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
  })

  app.post('/visit', async (request) => {
    const session = await request.session
    return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
  })

  app.post<{ Body: { name: string; password: string } }>('/login', async (request, reply) => {
    const { name, password } = request.body
    if (password !== 'lovelace') return reply.code(401).send('Wrong name or password.')
    const session = await request.session
    session.regenerate()
    session.user = name
    session.notice = `Welcome, ${name}.`
    return reply.redirect('/', 303)
  })

  app.post('/logout', async (request, reply) => {
    const session = await request.session
    session.destroy()
    session.notice = 'You are logged out.'
    return reply.redirect('/', 303)
  })

  app.post('/fail', async (request) => {
    const session = await request.session
    session.update('visits', (n = 0) => n + 1)
    throw new Error('This request fails.')
  })

  // For who is logged in.
  app.register(async (account) => {
    account.addHook('preHandler', async (request, reply) => {
      const { user } = await request.session
      if (user === undefined) return reply.code(401).send({ error: 'Log in first.' })
    })
    account.get('/account', async (request) => ({ user: (await request.session).user }))
  })
}
