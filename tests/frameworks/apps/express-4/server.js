import { sessions } from '@sess/core'
import express from 'express'

const sess = sessions(process.env.STORE, {
  secret: process.env.SESSION_SECRET,
  ...(process.env.STORE === 'redis' ? { url: process.env.REDIS_URL } : {}),
})

const app = express()
app.use(express.urlencoded({ extended: false }))

/** Express 4 does not wait for a handler: what it throws has to reach `next`. */
const handle = (handler) => (req, res, next) => handler(req, res).catch(next)

app.get(
  '/',
  handle(async (req, res) => {
    const session = await sess.open(req, res)
    const { visits = 0, user = 'a stranger' } = session
    res.send(`${visits} visits by ${user}. ${session.take('notice') ?? ''}`)
  }),
)

app.post(
  '/visit',
  handle(async (req, res) => {
    const session = await sess.open(req, res)
    res.send(`Visit number ${session.update('visits', (n = 0) => n + 1)}`)
  }),
)

app.post(
  '/login',
  handle(async (req, res) => {
    if (req.body.password !== 'lovelace') return res.status(401).send('Wrong name or password.')
    const session = await sess.open(req, res)
    session.regenerate()
    session.user = req.body.name
    session.notice = `Welcome, ${session.user}.`
    res.redirect(303, '/')
  }),
)

app.post(
  '/logout',
  handle(async (req, res) => {
    const session = await sess.open(req, res)
    session.destroy()
    session.notice = 'You are logged out.'
    res.redirect(303, '/')
  }),
)

app.post(
  '/fail',
  handle(async (req, res) => {
    const session = await sess.open(req, res)
    session.update('visits', (n = 0) => n + 1)
    throw new Error('This request fails.')
  }),
)

/** Middleware: `next` is called without the session, which Express would take for an error. */
app.use('/member', (req, res, next) => {
  sess.open(req, res).then((session) => (session.user === undefined ? res.sendStatus(401) : next()), next)
})

app.get(
  '/member',
  handle(async (req, res) => {
    const session = await sess.open(req, res)
    res.send(`Hello, ${session.user}.`)
  }),
)

app.listen(process.env.PORT, '127.0.0.1')
