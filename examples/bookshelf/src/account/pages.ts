import { type Html, html } from '../html.js'
import type { Page } from '../page.js'

export const PASSWORD_LENGTH = { min: 8, max: 100 }

interface Shown {
  readonly notice: string | undefined
}

/** One session of a user. */
export interface Device {
  readonly id: string
  readonly name: string | undefined
  readonly startedAt: Date
  readonly lastUsedAt: Date
  /** The session of the visitor who looks at the page. */
  readonly isThis: boolean
}

export function devicesPage({ notice, devices }: Shown & { devices: readonly Device[] }): Page {
  const others = devices.filter(({ isThis }) => !isThis)
  return {
    title: 'Your devices',
    notice,
    isLive: true,
    body: html`<p>You are logged in on these devices. The times of the last use are rough.</p>
      <ul>
        ${devices.map(deviceItem)}
      </ul>
      ${others.length > 0 && html`<form method="post" action="/account/end-others"><button>End all others</button></form>`}
      ${PASSWORD_LINK}`,
  }
}

export function noDevicesPage({ notice }: Shown): Page {
  return {
    title: 'Your devices',
    notice,
    body: html`<p>
        There is no list: this server keeps sessions in the cookies of the browsers, and stores none itself. It cannot
        know where you are logged in, or end a session elsewhere.
      </p>
      ${PASSWORD_LINK}`,
  }
}

export function passwordPage(shown: Shown & { isLive: boolean; user: string; asksAgain: boolean }): Page {
  const { notice, isLive, user, asksAgain } = shown
  const { min, max } = PASSWORD_LENGTH
  // Password managers look for the name next to the passwords.
  const name = html`<label>Name <input value="${user}" autocomplete="username" readonly /></label>`
  const current = html`<label>
    Current password <input name="current" type="password" autocomplete="current-password" required />
  </label>`
  return {
    title: 'Your password',
    notice,
    isLive,
    body: html`<form method="post" action="/account/password">
      ${name} ${asksAgain && current}
      <label>
        New password
        <input name="new" type="password" autocomplete="new-password" minlength="${min}" maxlength="${max}" required />
      </label>
      <button>Change</button>
    </form>`,
  }
}

const PASSWORD_LINK = html`<p><a href="/account/password">Change your password</a></p>`

function deviceItem({ id, name, startedAt, lastUsedAt, isThis }: Device): Html {
  const label = name ?? `Browser of ${dayOf(startedAt)}`
  return html`<li>
    <p>
      <strong>${label}</strong> ${isThis && html`<em>this device</em>`}<br />
      since ${time(startedAt)}<br />
      last used ${time(lastUsedAt)}
    </p>
    ${
      isThis
        ? html`<form method="post" action="/logout"><button>Log out</button></form>`
        : html`<form method="post" action="/account/end">
            <button name="session" value="${id}" aria-label="End: ${label}">End</button>
          </form>`
    }
  </li>`
}

function time(date: Date): Html {
  return html`<time datetime="${date.toISOString()}">${dayOf(date)}, ${date.toISOString().slice(11, 16)} UTC</time>`
}

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })

function dayOf(date: Date): string {
  return DAY.format(date)
}
