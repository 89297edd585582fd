/** Stores the cookies of one origin, and sends them with the headers that a browser sends. */
export class Browser {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  set cookie(header: string) {
    this.#cookies.clear()
    for (const pair of header.split('; ')) this.#keep(pair)
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return this.#fetch(path, init)
  }

  post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Response> {
    const sent = { 'sec-fetch-site': 'same-origin', origin: this.#origin, ...headers }
    return this.#fetch(path, { method: 'POST', body: new URLSearchParams(fields), headers: sent })
  }

  async page(path: string): Promise<Page> {
    const response = await this.get(path)
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`)
    return new Page(await response.text())
  }

  /** Sends a form, and follows the redirect to the next page. */
  async submit(path: string, fields: Record<string, string> = {}): Promise<Page> {
    const response = await this.post(path, fields)
    const location = response.headers.get('location')
    if (response.status !== 303 || location === null) throw new Error(`${path} answered ${response.status}`)
    return this.page(location)
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.#cookies.size > 0) headers.set('cookie', this.cookie)
    const response = await fetch(this.#origin + path, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return response
  }

  #keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value === '' || /; max-age=0/i.test(line)) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}

/** A page as a visitor sees it. */
export class Page {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get visits(): number {
    return Number(this.#find(/<output id="visits">(\d+)</))
  }

  get notice(): string | undefined {
    return this.#find(/<p role="status">([^]*?)<\/p>/)
  }

  get user(): string | undefined {
    return this.#find(/<strong id="user">([^]*?)<\/strong>/)
  }

  get titles(): readonly string[] {
    return [...this.text.matchAll(/<cite>([^]*?)<\/cite>/g)].map(([, title]) => title ?? '')
  }

  /** The names of the devices, the one that asks with a star. */
  get devices(): readonly string[] {
    const items = this.text.matchAll(/<li>\s*<p>\s*<strong>([^]*?)<\/strong>\s*(<em>this device<\/em>)?/g)
    return [...items].map(([, name, isThis]) => `${name}${isThis === undefined ? '' : '*'}`)
  }

  /** The times on the page, as it gives them to programs. */
  get times(): readonly string[] {
    return [...this.text.matchAll(/<time datetime="([^"]*)"/g)].map(([, time]) => time ?? '')
  }

  /** What the button that ends the session of a device sends. */
  sessionOf(device: string): string {
    const [, id] = new RegExp(`name="session" value="([^"]*)" aria-label="End: ${device}"`).exec(this.text) ?? []
    if (id === undefined) throw new Error(`the page has no button for ${device}`)
    return id
  }

  #find(pattern: RegExp): string | undefined {
    return pattern.exec(this.text)?.[1]
  }
}
