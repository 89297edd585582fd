import type { Sessions } from '@sess/core'
import { jsonLine } from '../json.js'
import type { Answer } from '../output.js'
import { moment, table } from '../table.js'

export async function inspect(sess: Sessions, cookies: string, withData: boolean): Promise<Answer> {
  const session = await sess.inspect(cookies)
  if (session === null) return { code: 1, text: NONE, json: { session } }
  const { data, ...stamps } = session
  const keys = Object.keys(data)
  const rows = [
    ['id', stamps.id],
    ['started', moment(stamps.startedAt)],
    ['last used', moment(stamps.lastUsedAt)],
    ['expires', moment(stamps.expiresAt)],
    ...(withData
      ? Object.entries(data).map(([key, value]) => [nameOf(key), jsonLine(value)])
      : [['keys', keys.map(nameOf).join(', ')]]),
  ]
  return { code: 0, text: table(rows), json: { session: { ...stamps, keys, ...(withData && { data }) } } }
}

const NONE = 'No session: it has ended, or another secret, cookie name or store made the cookie.'

function nameOf(key: string): string {
  return /^[\w.-]+$/.test(key) ? key : jsonLine(key)
}
