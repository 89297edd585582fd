export interface Answer {
  readonly status: number
  readonly text: string
  readonly location: string | null
}

/** A client that, like a browser, stores one server's cookie and sends it again. */
export class Visitor {
  readonly #origin: string
  /** The value of the `Cookie` header; '' if there is no cookie. */
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
