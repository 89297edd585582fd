import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Reply {
  /** 0 if the connection was refused, or ended without an answer. */
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  /** The cookie that the reply sets, in the form of a `Cookie` header. `''` if the reply clears it. */
  readonly cookie: string | undefined
  /** Milliseconds. */
  readonly ms: number
}

/** Milliseconds until a request without an answer is given up. */
const PATIENCE = 10_000

/** Sends a request, such as `POST /increment`, on a new connection. */
export async function ask(port: number, route: string, cookie = ''): Promise<Reply> {
  const [method, path] = route.split(' ')
  const began = performance.now()
  const headers = cookie === '' ? {} : { cookie }
  const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false, timeout: PATIENCE })
  sent.on('timeout', () => sent.destroy()).end()
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const content = await text(response)
    const body = content.startsWith('{') ? (JSON.parse(content) as Reply['body']) : {}
    return { status: response.statusCode ?? 0, body, cookie: cookieOf(response), ms: performance.now() - began }
  } catch {
    return { status: 0, body: {}, cookie: undefined, ms: performance.now() - began }
  }
}

function cookieOf({ headers }: IncomingMessage): string | undefined {
  const [line] = headers['set-cookie'] ?? []
  const [pair, ...attributes] = line?.split('; ') ?? []
  return attributes.includes('Max-Age=0') ? '' : pair
}
