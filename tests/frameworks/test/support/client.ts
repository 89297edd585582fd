import { parseSetCookie } from 'cookie'

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** A browser at one origin: it keeps cookies, says where a form comes from, and follows a redirect only when told to. */
export class Client {
  readonly origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.origin = origin
  }

  /** Another browser with a copy of the cookies. */
  copy(): Client {
    const copy = new Client(this.origin)
    for (const [name, value] of this.#cookies) copy.#cookies.set(name, value)
    return copy
  }

  /** The `Cookie` header of its next request. */
  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send(path, { headers: { 'sec-fetch-mode': 'navigate', ...headers } })
  }

  /** Sends a form. */
  post(path: string, form: Readonly<Record<string, string>> | FormData = {}): Promise<Answer> {
    return this.send(path, { method: 'POST', body: form instanceof FormData ? form : new URLSearchParams(form) })
  }

  async send(path: string, { headers = {}, ...init }: RequestInit & { headers?: Readonly<Record<string, string>> }) {
    const ofForm = init.method === 'POST' ? { origin: this.origin, referer: `${this.origin}/` } : {}
    const response = await fetch(new URL(path, this.origin), {
      ...init,
      redirect: 'manual',
      headers: {
        accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
        'sec-fetch-site': 'same-origin',
        ...ofForm,
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
        ...headers,
      },
    })
    for (const line of response.headers.getSetCookie()) {
      const { name, maxAge, expires } = parseSetCookie(line)
      const isGone = maxAge === 0 || (expires !== undefined && expires.getTime() <= Date.now())
      // As it was sent: browsers do not decode it.
      if (isGone) this.#cookies.delete(name)
      else this.#cookies.set(name, line.slice(line.indexOf('=') + 1).split(';')[0] ?? '')
    }
    return { status: response.status, text: await response.text(), headers: response.headers }
  }
}
