import { parseSetCookie } from 'cookie'

/** What a program of a page answers: who is logged in, and how often this visitor was there. */
export interface Seen {
  readonly user: string | null
  readonly visits: number
}

/** A client that stores cookies like a browser, and sends them to whichever program serves the site now. */
export class Jar {
  readonly #cookies = new Map<string, string>()

  /** Another browser with a copy of the cookies. */
  copy(): Jar {
    const copy = new Jar()
    for (const [name, value] of this.#cookies) copy.#cookies.set(name, value)
    return copy
  }

  has(name: string): boolean {
    return this.#cookies.has(name)
  }

  set(name: string, value: string): void {
    this.#cookies.set(name, value)
  }

  get names(): readonly string[] {
    return [...this.#cookies.keys()]
  }

  /** Changes the last character of each value. */
  forge(): void {
    for (const [name, value] of this.#cookies)
      this.#cookies.set(name, `${value.slice(0, -2)}${value.at(-2) === 'A' ? 'B' : 'A'}${value.at(-1) ?? ''}`)
  }

  async logIn(origin: string, name: string, password = 'lovelace'): Promise<number> {
    const { status } = await this.#send(`${origin}/login`, {
      method: 'POST',
      body: new URLSearchParams({ name, password }),
    })
    return status
  }

  async logOut(origin: string): Promise<number> {
    const { status } = await this.#send(`${origin}/logout`, { method: 'POST', body: new URLSearchParams() })
    return status
  }

  async visit(origin: string): Promise<Seen> {
    const { status, text } = await this.#send(`${origin}/`, {})
    if (status !== 200) throw new Error(`GET / was answered with ${status}: ${text}`)
    const seen: Seen = JSON.parse(text)
    return seen
  }

  async #send(url: string, init: RequestInit): Promise<{ readonly status: number; readonly text: string }> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...init, headers: cookie === '' ? {} : { cookie }, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const { name, maxAge, expires } = parseSetCookie(line)
      const isGone = maxAge === 0 || (expires !== undefined && expires.getTime() <= Date.now())
      // As it was sent: browsers do not decode it.
      if (isGone) this.#cookies.delete(name)
      else this.#cookies.set(name, line.slice(line.indexOf('=') + 1).split(';')[0] ?? '')
    }
    return { status: response.status, text: await response.text() }
  }
}
