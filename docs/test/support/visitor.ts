export interface Answer {
  readonly status: number
  readonly text: string
  readonly location: string | null
}

/** What a browser does with the cookie of one server: keeps it, and sends it again. */
export class Visitor {
  readonly #origin: string
  /** As it is sent; '' where there is none. */
  cookie: string

  constructor(origin: string, cookie = '') {
    this.#origin = origin
    this.cookie = cookie
  }

  get(path: string): Promise<Answer> {
    return this.#send(path, {})
  }

  post(path: string, form: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(form) })
  }

  logIn(name: string, password: string): Promise<Answer> {
    return this.post('/login', { name, password })
  }

  async #send(path: string, init: RequestInit): Promise<Answer> {
    const headers = this.cookie === '' ? {} : { cookie: this.cookie }
    const response = await fetch(`${this.#origin}${path}`, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ')
      this.cookie = attributes.includes('Max-Age=0') ? '' : pair
    }
    return { status: response.status, text: await response.text(), location: response.headers.get('location') }
  }
}
