import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { addressOf } from './passport-application.ts'

/** A server that logs everybody in as `grace`, by the code grant of OAuth 2.0 with PKCE (RFC 7636, S256). */
export class OAuthProvider {
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #challenges = new Map<string, string>()

  static async start(): Promise<OAuthProvider> {
    const provider = new OAuthProvider()
    await once(provider.#server.listen(0, '127.0.0.1'), 'listening')
    return provider
  }

  get origin(): string {
    return addressOf(this.#server)
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.origin)
    if (pathname === '/authorize') response.writeHead(302, { location: this.#authorize(searchParams) }).end()
    else this.#token(new URLSearchParams(await text(request)), response)
  }

  #authorize(asked: URLSearchParams): string {
    const code = randomUUID()
    if (asked.get('code_challenge_method') === 'S256') this.#challenges.set(code, asked.get('code_challenge') ?? '')
    const back = new URL(asked.get('redirect_uri') ?? '')
    back.searchParams.set('code', code)
    back.searchParams.set('state', asked.get('state') ?? '')
    return back.href
  }

  #token(asked: URLSearchParams, response: ServerResponse): void {
    const code = asked.get('code') ?? ''
    const challenge = createHash('sha256')
      .update(asked.get('code_verifier') ?? '')
      .digest('base64url')
    const isRight = this.#challenges.get(code) === challenge
    this.#challenges.delete(code)
    response.writeHead(isRight ? 200 : 400, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isRight ? { access_token: 'grace', token_type: 'bearer' } : { error: 'invalid_grant' }))
  }
}
