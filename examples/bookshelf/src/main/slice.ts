import { type Session, sessions, type Sessions } from '@sess/core'
import { findBook } from '../books.js'
import type { Config } from '../config.js'
import { readForm } from '../form.js'
import { HttpError } from '../http-error.js'
import { guarded, join, leave, takeEndNotice } from '../membership.js'
import { redirect, sendPage } from '../page.js'
import type { Handler, Slice } from '../slice.js'
import { sendStyle } from '../style.js'
import type { Users } from '../users.js'
import type { Visitor } from '../visitor.js'
import { accountPage, booksPage, cartPage, loginPage, MAX_DEVICE_LENGTH } from './pages.js'

/** The shop: every visitor has a counter and a cart, and can log in. */
export function mainSlice({ store, options, listsSessions }: Config, users: Users): Slice {
  const sess: Sessions<Visitor> = sessions(store, options)

  const shown = (session: Session<Visitor>) => ({
    notice: session.take('notice'),
    isLive: listsSessions && session.user !== undefined,
  })

  const showBooks: Handler = async (request, response) => {
    const session = await sess.open(request, response)
    const visits = session.update('visits', (count = 0) => count + 1)
    sendPage(response, booksPage({ ...shown(session), visits, cart: session.cart }))
  }

  const showCart: Handler = async (request, response) => {
    const session = await sess.open(request, response)
    sendPage(response, cartPage({ ...shown(session), cart: session.cart }))
  }

  const addToCart: Handler = async (request, response) => {
    const book = findBook((await readForm(request)).get('book'))
    if (book === undefined) throw new HttpError(404, 'There is no such book.')
    const session = await sess.open(request, response)
    session.update('cart', (cart = []) => (cart.includes(book.id) ? cart : [...cart, book.id]))
    session.notice = `“${book.title}” is in your cart.`
    redirect(response, '/')
  }

  const removeFromCart: Handler = async (request, response) => {
    const id = (await readForm(request)).get('book')
    const session = await sess.open(request, response)
    session.update('cart', (cart = []) => cart.filter((other) => other !== id))
    redirect(response, '/cart')
  }

  const showLogin: Handler = async (request, response) => {
    const session = await sess.open(request, response)
    const { user } = session
    const { notice, isLive } = shown(session)
    if (user !== undefined) {
      sendPage(response, accountPage({ notice, isLive, user }))
      return
    }
    const ended = takeEndNotice(request, response)
    sendPage(response, loginPage({ notice: ended ?? notice, users: users.unchanged, namesDevice: listsSessions }))
  }

  const logIn: Handler = async (request, response) => {
    const form = await readForm(request)
    const user = users.find(form.get('name'))
    const device = form.get('device') ?? ''
    if (device.length > MAX_DEVICE_LENGTH) {
      throw new HttpError(422, `The name of a device must have at most ${MAX_DEVICE_LENGTH} characters.`)
    }
    const session = await sess.open(request, response)
    if (user === undefined || user.password !== form.get('password')) {
      session.notice = 'Wrong name or password.'
      redirect(response, '/login')
      return
    }
    // Moves the session to a new token, so that someone who knows the old one is not logged in too. The cart stays.
    const remember = form.has('remember')
    session.regenerate({ remember })
    session.user = user.name
    session.device = device === '' ? undefined : device
    join(response, remember)
    session.notice = `Welcome, ${user.name}.`
    redirect(response, '/')
  }

  const logOut: Handler = async (request, response) => {
    const session = await sess.open(request, response)
    session.destroy()
    leave(response)
    // An assignment after `destroy` begins a new session.
    session.notice = 'You are logged out.'
    redirect(response, '/')
  }

  return {
    routes: {
      '/': { GET: guarded(sess, showBooks) },
      '/cart': { GET: guarded(sess, showCart) },
      '/cart/add': { POST: guarded(sess, addToCart) },
      '/cart/remove': { POST: guarded(sess, removeFromCart) },
      '/login': { GET: showLogin, POST: logIn },
      '/logout': { POST: logOut },
      '/style.css': { GET: sendStyle },
    },
    close: () => sess.close(),
  }
}
