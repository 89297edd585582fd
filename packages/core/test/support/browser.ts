import type { AnyData, Headers, SeenHeaders, Session, Sessions } from '@sess/core'
import { parseSetCookie } from 'cookie'

/** A browser at one application: it stores the cookies it is sent and sends them back. */
export class Browser {
  readonly #sess: Sessions
  readonly #on: { readonly https?: boolean }
  readonly jar = new Map<string, string>()
  /** The headers that the handler set itself. */
  seen: SeenHeaders = {}
  /** The headers that the session added to the last response. */
  headers: Headers = []

  constructor(sess: Sessions, on: { readonly https?: boolean } = {}) {
    this.#sess = sess
    this.#on = on
  }

  /** The `Cookie` header of the next request. */
  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** The value of its only cookie. */
  get token(): string {
    const [token, ...others] = this.jar.values()
    if (token === undefined || others.length > 0) throw new Error(`expected one cookie, not ${this.jar.size}`)
    return token
  }

  /** The `Set-Cookie` header of the last response. */
  get setCookie(): string | undefined {
    return this.headers.find(([name]) => name === 'set-cookie')?.[1]
  }

  /** Another browser with a copy of the cookies, at this or another application. */
  at(sess: Sessions): Browser {
    const other = new Browser(sess, this.#on)
    for (const [name, value] of this.jar) other.jar.set(name, value)
    return other
  }

  /** Makes a request that `use` handles. */
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

  /** The session's values, read by a request. */
  async see(): Promise<Record<string, unknown>> {
    return this.visit((session) => ({ ...session }))
  }
}
