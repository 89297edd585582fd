export interface Page {
  readonly status: number
  /** Where the answer redirects to: the path on the same server, or the whole address elsewhere. */
  readonly location: string | undefined
  readonly text: string
}

/** A browser that follows no redirect by itself, and has the cookies of one server. */
export class Browser {
  readonly #origin: string
  readonly #jar: Map<string, string>

  constructor(origin: string, cookies: ReadonlyMap<string, string> = new Map()) {
    this.#origin = origin
    this.#jar = new Map(cookies)
  }

  /** Another browser with the same cookies, such as a thief's. */
  copy(): Browser {
    return new Browser(this.#origin, this.#jar)
  }

  get cookies(): ReadonlyMap<string, string> {
    return this.#jar
  }

  get(path: string): Promise<Page> {
    return this.#send(path, {})
  }

  post(path: string, form: Readonly<Record<string, string>> = {}): Promise<Page> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(form) })
  }

  async json(path: string): Promise<unknown> {
    const { text } = await this.get(path)
    return JSON.parse(text)
  }

  async #send(path: string, init: RequestInit): Promise<Page> {
    const url = new URL(path, this.#origin)
    const isOwn = url.origin === this.#origin
    const cookie = [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = isOwn && cookie !== '' ? { cookie } : {}
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    if (isOwn) for (const line of response.headers.getSetCookie()) this.#keep(line)
    const location = response.headers.get('location') ?? undefined
    return { status: response.status, location: location?.replace(this.#origin, ''), text: await response.text() }
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const [name = ''] = pair.split('=', 1)
    if (attributes.includes('Max-Age=0')) this.#jar.delete(name)
    else this.#jar.set(name, pair.slice(name.length + 1))
  }
}
