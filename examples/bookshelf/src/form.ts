import type { IncomingMessage } from 'node:http'
import { HttpError } from './http-error.js'

const MAX_BODY_BYTES = 10_000

/**
 * Against cross-site request forgery: SameSite=Lax keeps the session's cookie from the POST of another
 * site; this refuses what Lax lets through, a sibling domain of the same site. Browsers say where a POST
 * comes from in Sec-Fetch-Site, older ones in Origin; what says neither is no browser, and carries no
 * one's cookie but its own.
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

/** The fields of a form that was sent with the request. */
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
      // What is over the limit is read and dropped: a client that is still sending does not hear an answer.
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
      else reject(new HttpError(413))
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}
