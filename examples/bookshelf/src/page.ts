import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type Html, html } from './html.js'

/** Paths, by the title of their page. */
const MENU = { Books: '/', Cart: '/cart', Login: '/login', Admin: '/admin' }

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  // Each page belongs to one visitor: after a logout, the back button must not show it again.
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

export interface Page {
  readonly title: string
  readonly notice?: string | undefined
  readonly body: Html
  /** The page of a user, which is to say when the session ends. */
  readonly isLive?: boolean
}

export function sendPage(
  response: ServerResponse,
  { title, notice, body, isLive = false }: Page,
  status = 200,
  headers: OutgoingHttpHeaders = {},
): void {
  const links = Object.entries(MENU).map(
    ([name, path]) => html`<a href="${path}" ${name === title && html`aria-current="page"`}>${name}</a>`,
  )
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – Bookshelf</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/style.css" />
        ${isLive && html`<script src="/account/live.js" defer></script>`}
      </head>
      <body>
        <header>
          <strong>Bookshelf</strong>
          <nav aria-label="Main">${links}</nav>
        </header>
        <main>
          <h1>${title}</h1>
          ${notice !== undefined && html`<p role="status">${notice}</p>`} ${body}
        </main>
      </body>
    </html> `
  response.writeHead(status, { ...HEADERS, ...headers }).end(page.toString())
}

/** Answers a POST with another page, so that a reload of that page does not send the form again. */
export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end()
}
