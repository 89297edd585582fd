import { parseSetCookie } from 'cookie'

interface Page {
  readonly status: number
  readonly body: string
  readonly setCookie: readonly string[]
}

/** A browser over real HTTP: it stores the cookies of one host and sends them back. */
export class HttpBrowser {
  readonly jar = new Map<string, string>()
  readonly #origin: string

  constructor(port: number) {
    this.#origin = `http://127.0.0.1:${port}`
  }

  async get(path: string): Promise<Page> {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(`${this.#origin}${path}`, cookie === '' ? {} : { headers: { cookie } })
    const setCookie = response.headers.getSetCookie()
    for (const line of setCookie) {
      const { name, value = '', maxAge } = parseSetCookie(line)
      if (maxAge === 0) this.jar.delete(name)
      else this.jar.set(name, value)
    }
    return { status: response.status, body: await response.text(), setCookie }
  }
}
