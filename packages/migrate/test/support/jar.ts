/** The cookies of a browser, as servers set them: their values are not decoded. */
export class Jar {
  readonly #cookies: ReadonlyMap<string, string>

  constructor(cookies: Iterable<readonly [name: string, value: string]>) {
    this.#cookies = new Map(cookies)
  }

  static of(response: Response): Jar {
    return new Jar(
      response.headers.getSetCookie().map((line) => {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        return [name, value]
      }),
    )
  }

  get header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  get names(): readonly string[] {
    return [...this.#cookies.keys()]
  }

  get(name: string): string {
    const value = this.#cookies.get(name)
    if (value === undefined) throw new Error(`no cookie ${name}, but ${this.names.join()}`)
    return value
  }

  with(name: string, value: string): Jar {
    return new Jar([...this.#cookies, [name, value]])
  }

  /** What core passes to `find`. */
  readonly valuesOf = (name: string): readonly string[] => {
    const value = this.#cookies.get(name)
    return value === undefined ? [] : [value]
  }
}
