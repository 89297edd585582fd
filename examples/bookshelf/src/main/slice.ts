import { sessions, type Sessions } from '@sess/core'
import { findBook } from '../books.js'
import type { Config } from '../config.js'
import { readForm } from '../form.js'
import { HttpError } from '../http-error.js'
import { redirect, sendPage } from '../page.js'
import type { Handler, Slice } from '../slice.js'
import { sendStyle } from '../style.js'
import { findUser } from '../users.js'
import type { Visitor } from '../visitor.js'
import { booksPage, cartPage, loginPage } from './pages.js'

/** The shop: every visitor has a counter and a cart, and can log in. */
export function mainSlice({ store, options }: Config): Slice {
  const sess: Sessions<Visitor> = sessions(store, options)

  const showBooks: Handler = async (request, response) => {
    const session = await sess.open(request, response)
    const visits = session.update('visits', (count = 0) => count + 1)
    sendPage(response, booksPage({ visits, cart: session.cart, notice: session.take('notice') }))
  }

  const showCart: Handler = async (request, response) => {
    const session = await sess.open(request, response)
    sendPage(response, cartPage({ cart: session.cart, notice: session.take('notice') }))
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
    sendPage(response, loginPage({ user: session.user, notice: session.take('notice') }))
  }

  const logIn: Handler = async (request, response) => {
    const form = await readForm(request)
    const user = findUser(form.get('name'))
    const session = await sess.open(request, response)
    if (user === undefined || user.password !== form.get('password')) {
      session.notice = 'Wrong name or password.'
      redirect(response, '/login')
      return
    }
    // Moves the session to a new token, so that someone who knows the old one is not logged in too. The cart stays.
    session.regenerate()
    session.user = user.name
    session.notice = `Welcome, ${user.name}.`
    redirect(response, '/')
  }

  const logOut: Handler = async (request, response) => {
    const session = await sess.open(request, response)
    session.destroy()
    // An assignment after `destroy` begins a new session.
    session.notice = 'You are logged out.'
    redirect(response, '/')
  }

  return {
    routes: {
      '/': { GET: showBooks },
      '/cart': { GET: showCart },
      '/cart/add': { POST: addToCart },
      '/cart/remove': { POST: removeFromCart },
      '/login': { GET: showLogin, POST: logIn },
      '/logout': { POST: logOut },
      '/style.css': { GET: sendStyle },
    },
    close: () => sess.close(),
  }
}
