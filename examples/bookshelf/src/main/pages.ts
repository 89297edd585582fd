import { BOOKS, findBook } from '../books.js'
import { type Html, html } from '../html.js'
import type { Page } from '../page.js'
import type { User } from '../users.js'

interface Shown {
  readonly notice: string | undefined
  readonly isLive: boolean
}

export const MAX_DEVICE_LENGTH = 40

export function booksPage(shown: Shown & { visits: number | undefined; cart: string[] | undefined }): Page {
  const { notice, isLive, visits, cart = [] } = shown
  const items = BOOKS.map(
    ({ id, title, author }) => html`
      <li>
        <p><cite>${title}</cite> ${author}</p>
        ${cart.includes(id) ? html`<a href="/cart">In your cart</a>` : bookForm('/cart/add', id, 'Add to cart', title)}
      </li>
    `,
  )
  return {
    title: 'Books',
    notice,
    isLive,
    body: html`<ul>
        ${items}
      </ul>
      <p>Visits to this page: <output id="visits">${visits}</output></p>`,
  }
}

export function cartPage({ notice, isLive, cart = [] }: Shown & { cart: string[] | undefined }): Page {
  const items = cart.map((id) => {
    const { title, author } = findBook(id) ?? { title: id, author: undefined }
    return html`
      <li>
        <p><cite>${title}</cite> ${author}</p>
        ${bookForm('/cart/remove', id, 'Remove', title)}
      </li>
    `
  })
  return {
    title: 'Cart',
    notice,
    isLive,
    body:
      items.length === 0
        ? html`<p>Your cart is empty. <a href="/">Browse the books</a></p>`
        : html`<ul>
            ${items}
          </ul>`,
  }
}

export function accountPage({ notice, isLive, user }: Shown & { user: string }): Page {
  return {
    title: 'Login',
    notice,
    isLive,
    body: html`<p>You are logged in as <strong id="user">${user}</strong>.</p>
      <p><a href="/account">Your devices</a></p>
      <p><a href="/account/password">Change your password</a></p>
      <form method="post" action="/logout"><button>Log out</button></form>`,
  }
}

interface LoginShown {
  readonly notice: string | undefined
  /** The users of the demo, with their passwords. */
  readonly users: readonly User[]
  /** The user may give the device a name, for the list of devices. */
  readonly namesDevice: boolean
}

export function loginPage({ notice, users, namesDevice }: LoginShown): Page {
  const items = users.map(
    ({ name, password }) =>
      html`<li>
        <p><strong>${name}</strong>, password <code>${password}</code></p>
      </li>`,
  )
  const device = html`<label>
    What you call this device, if you like <input name="device" maxlength="${MAX_DEVICE_LENGTH}" autocomplete="off" />
  </label>`
  return {
    title: 'Login',
    notice,
    body: html`<form method="post" action="/login">
        <label>Name <input name="name" autocomplete="username" required /></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
        ${namesDevice && device}
        <label><input name="remember" type="checkbox" /> Stay logged in</label>
        <button>Log in</button>
      </form>
      <h2>Demo users</h2>
      <ul>
        ${items}
      </ul>`,
  }
}

function bookForm(action: string, id: string, label: string, title: string): Html {
  return html`<form method="post" action="${action}">
    <button name="book" value="${id}" aria-label="${label}: ${title}">${label}</button>
  </form>`
}
