import type { IncomingMessage } from 'node:http'
import { HttpError } from './http-error.js'

const MAX_BODY_BYTES = 10_000

/**
 * Prevents cross-site request forgery. SameSite=Lax keeps the session's cookie out of a POST from another site. This
 * refuses what Lax lets through: a POST from a sibling domain of the same site. Browsers name the source of a POST in
 * Sec-Fetch-Site, older ones in Origin. A client that sends neither is not a browser, and has only its own cookies.
 */
export function assertSameOrigin({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site']
  const { origin, host } = headers
  const isSame =
    site === undefined
      ? origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
      : site === 'same-origin' || site === 'none'
  if (!isSame) throw new HttpError(403, 'This form was sent from another site.')
}

/** The fields of the form in the request. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const [type] = (request.headers['content-type'] ?? '').split(';')
  if (type?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') throw new HttpError(415)
  return new URLSearchParams(await readBody(request))
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // The rest of a body that is too large is read and dropped: a client that is still sending reads no response.
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
      else reject(new HttpError(413))
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}
