import { Document } from '../../../../docs/test/support/document.ts'

/** The server on the first screen of README.md. */
export const TEN_LINES: string = new Document('README.md').files['server.mjs'] ?? ''

export const SECRET = 'a secret of the rehearsal, of 32 bytes or more'

/** The answers to two visits. The second sends the cookie of the first. */
export async function visitTwice(address: string): Promise<readonly string[]> {
  const first = await fetch(address)
  const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const second = await fetch(address, { headers: { cookie } })
  return [await first.text(), await second.text()]
}
