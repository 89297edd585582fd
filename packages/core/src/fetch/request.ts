import { FORWARDING_HEADERS, type IncomingRequest, isLoopbackHost } from '../exchange/request.js'

/** A fetch `Request` does not expose the address of its peer, so its URL and headers decide whether it is local. */
export class IncomingFetchRequest implements IncomingRequest {
  readonly #request: Request

  constructor(request: Request) {
    this.#request = request
  }

  get cookie(): string | null {
    return this.#request.headers.get('cookie')
  }

  get isPlainHttp(): boolean {
    const { headers, url } = this.#request
    return url.startsWith('http:') && FORWARDING_HEADERS.every((name) => !headers.has(name))
  }

  get isLocal(): boolean {
    return this.isPlainHttp && isLoopbackHost(new URL(this.#request.url).hostname)
  }
}

/** Whether a request is a fetch `Request`. The headers of Node's requests are a plain object. */
export function isFetchRequest(request: { readonly headers: object }): request is Request {
  return 'get' in request.headers && typeof request.headers.get === 'function'
}
