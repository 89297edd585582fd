import { BOOKS, findBook } from '../books.js'
import { type Html, html } from '../html.js'
import type { Page } from '../page.js'
import { USERS } from '../users.js'

interface Shown {
  readonly notice: string | undefined
}

export function booksPage(shown: Shown & { visits: number | undefined; cart: string[] | undefined }): Page {
  const { notice, visits, cart = [] } = shown
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
    body: html`<ul>
        ${items}
      </ul>
      <p>Visits to this page: <output id="visits">${visits}</output></p>`,
  }
}

export function cartPage({ notice, cart = [] }: Shown & { cart: string[] | undefined }): Page {
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
    body:
      items.length === 0
        ? html`<p>Your cart is empty. <a href="/">Browse the books</a></p>`
        : html`<ul>
            ${items}
          </ul>`,
  }
}

export function loginPage({ notice, user }: Shown & { user: string | undefined }): Page {
  if (user !== undefined) {
    return {
      title: 'Login',
      notice,
      body: html`<p>You are logged in as <strong id="user">${user}</strong>.</p>
        <form method="post" action="/logout"><button>Log out</button></form>`,
    }
  }
  const users = USERS.map(
    ({ name, password }) =>
      html`<li>
        <p><strong>${name}</strong>, password <code>${password}</code></p>
      </li>`,
  )
  return {
    title: 'Login',
    notice,
    body: html`<form method="post" action="/login">
        <label>Name <input name="name" autocomplete="username" required /></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
        <button>Log in</button>
      </form>
      <h2>Demo users</h2>
      <ul>
        ${users}
      </ul>`,
  }
}

function bookForm(action: string, id: string, label: string, title: string): Html {
  return html`<form method="post" action="${action}">
    <button name="book" value="${id}" aria-label="${label}: ${title}">${label}</button>
  </form>`
}
