import express, { type Request } from 'express'
import { sess } from './sess.ts'

/** The pages. A login, a logout and everything that needs a cookie are ordinary requests. */
export const app = express()
app.use(express.urlencoded())

app.get('/', async (req, res) => {
  const session = await sess.open(req, res)
  const { visits = 0, user = 'a stranger' } = session
  res.send(`${visits} visits by ${user}. ${session.take('notice') ?? ''}`)
})

app.post('/visit', async (req, res) => {
  const session = await sess.open(req, res)
  res.send(`Visit number ${session.update('visits', (n = 0) => n + 1)}`)
})

app.post('/login', async (req: Request<object, string, { name: string; password: string }>, res) => {
  const { name, password } = req.body
  if (password !== 'lovelace') {
    res.status(401).send('Wrong name or password.')
    return
  }
  const session = await sess.open(req, res)
  session.regenerate()
  session.user = name
  session.notice = `Welcome, ${name}.`
  res.redirect(303, '/')
})

app.post('/logout', async (req, res) => {
  const session = await sess.open(req, res)
  session.destroy()
  session.notice = 'You are logged out.' // in a new session
  res.redirect(303, '/')
})

app.post('/fail', async (req, res) => {
  const session = await sess.open(req, res)
  session.update('visits', (n = 0) => n + 1)
  throw new Error('This request fails.')
})
