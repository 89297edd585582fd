import { Readable } from 'node:stream'
import { Exception } from '@adonisjs/core/exceptions'
import router from '@adonisjs/core/services/router'

router.get('/', async (ctx) => {
  const session = await ctx.openSession()
  const { visits = 0, user = 'a stranger' } = session
  return `${visits} visits by ${user}. ${session.take('notice') ?? ''}`
})

router.post('/visit', async (ctx) => {
  const session = await ctx.openSession()
  return `Visit number ${session.update('visits', (n = 0) => n + 1)}`
})

router.post('/login', async (ctx) => {
  const { name, password } = ctx.request.only(['name', 'password'])
  if (password !== 'lovelace') throw new Exception('Wrong name or password.', { status: 401 })
  const session = await ctx.openSession()
  session.regenerate()
  session.user = String(name)
  session.notice = `Welcome, ${session.user}.`
  return ctx.response.redirect().status(303).toPath('/')
})

router.post('/logout', async (ctx) => {
  const session = await ctx.openSession()
  session.destroy()
  session.notice = 'You are logged out.' // in a new session
  return ctx.response.redirect().status(303).toPath('/')
})

router.post('/fail', async (ctx) => {
  const session = await ctx.openSession()
  session.update('visits', (n = 0) => n + 1)
  throw new Error('This request fails.')
})

router.post('/refuse', async (ctx) => {
  const session = await ctx.openSession()
  session.update('visits', (n = 0) => n + 1)
  throw new Exception('Not like this.', { status: 422 })
})

router.post('/abort', async (ctx) => {
  const session = await ctx.openSession()
  session.notice = 'Log in first.'
  ctx.response.abort('Log in first.', 403)
})

/** The cookies that the response sets itself, and a stream of it. */
router.get('/stream', async (ctx) => {
  const session = await ctx.openSession()
  session.update('visits', (n = 0) => n + 1)
  ctx.response.plainCookie('theme', 'dark')
  ctx.response.stream(Readable.from(['streamed']))
})
