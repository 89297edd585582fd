import type { AnyData, Headers, SeenHeaders, Session, Sessions } from '@sess/core'
import { parseSetCookie } from 'cookie'

/** What a browser does with one application's cookies: keeps them, and sends them again. */
export class Browser {
  readonly #sess: Sessions
  readonly #on: { readonly https?: boolean }
  readonly jar = new Map<string, string>()
  /** What the handler set by itself. */
  seen: SeenHeaders = {}
  /** Of the last response, the session's. */
  headers: Headers = []

  constructor(sess: Sessions, on: { readonly https?: boolean } = {}) {
    this.#sess = sess
    this.#on = on
  }

  /** The `Cookie` header that it sends. */
  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** The only cookie's value. */
  get token(): string {
    const [token, ...others] = this.jar.values()
    if (token === undefined || others.length > 0) throw new Error(`expected one cookie, not ${this.jar.size}`)
    return token
  }

  /** The last response's `Set-Cookie`. */
  get setCookie(): string | undefined {
    return this.headers.find(([name]) => name === 'set-cookie')?.[1]
  }

  /** Another one, which has the same cookies now, at an application that may be another. */
  at(sess: Sessions): Browser {
    const other = new Browser(sess, this.#on)
    for (const [name, value] of this.jar) other.jar.set(name, value)
    return other
  }

  /** Makes a request, whose handler is `use`. */
  async visit<T>(use: (session: Session<AnyData>) => T | Promise<T>, status = 200): Promise<T> {
    const exchange = this.#sess.exchange(this.cookie, this.#on)
    const result = await use(await exchange.open())
    this.headers = await exchange.commit(status, this.seen)
    for (const [header, line] of this.headers) {
      if (header !== 'set-cookie') continue
      const { name, value = '', maxAge } = parseSetCookie(line)
      if (maxAge === 0) this.jar.delete(name)
      else this.jar.set(name, value)
    }
    return result
  }

  /** What the session holds, read by a request. */
  async see(): Promise<Record<string, unknown>> {
    return this.visit((session) => ({ ...session }))
  }
}
