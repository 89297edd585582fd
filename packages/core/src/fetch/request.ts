import { type IncomingRequest, isForwarded, isFromElsewhere, isLoopbackHost, isPlainHttp } from '../exchange/request.js'

/** A fetch `Request` does not expose the address of its peer, so its URL and headers decide whether it is local. */
export class IncomingFetchRequest implements IncomingRequest {
  readonly #request: Request

  constructor(request: Request) {
    this.#request = request
  }

  get cookie(): string | null {
    return this.#request.headers.get('cookie')
  }

  get host(): string | undefined {
    const { headers, url } = this.#request
    return isForwarded((name) => headers.get(name)) ? undefined : new URL(url).hostname
  }

  get isPlainHttp(): boolean {
    const { headers, url } = this.#request
    return isPlainHttp((name) => headers.get(name), !url.startsWith('http:'))
  }

  get isLocal(): boolean {
    const { headers, url } = this.#request
    if (!url.startsWith('http:') || !isLoopbackHost(new URL(url).hostname)) return false
    const headerOf = (name: string) => headers.get(name)
    return !isForwarded(headerOf) && !isFromElsewhere(headerOf)
  }
}

/** Whether a request is a fetch `Request`. The headers of Node's requests are a plain object. */
export function isFetchRequest(request: { readonly headers: object }): request is Request {
  return 'get' in request.headers && typeof request.headers.get === 'function'
}
