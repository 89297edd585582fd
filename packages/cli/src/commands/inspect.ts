import type { Sessions } from '@sess/core'
import { jsonLine } from '../json.js'
import type { Answer } from '../output.js'
import { moment, table } from '../table.js'

const READ_ONLY = 'sess inspect changes no session.'

/** Nothing is committed, so the session is neither extended nor changed. `header` is the value of a Cookie header. */
export async function inspect(sess: Sessions, header: string, withData: boolean): Promise<Answer> {
  const session = await sess.exchange(header, { readOnly: READ_ONLY }).open()
  const id = sess.id(session)
  const expiresAt = sess.expiresAt(session)
  if (id === undefined || expiresAt === undefined) return { code: 1, text: NONE, json: { session: null } }
  const data = { ...session }
  const keys = Object.keys(data)
  const rows = [
    ['id', id],
    ['expires', moment(expiresAt)],
    ...(withData
      ? Object.entries(data).map(([key, value]) => [nameOf(key), jsonLine(value)])
      : [['keys', keys.map(nameOf).join(', ')]]),
  ]
  return { code: 0, text: table(rows), json: { session: { id, expiresAt, keys, ...(withData && { data }) } } }
}

const NONE =
  'No session: it has ended, or another secret, cookie name or store made the cookie. ' +
  'If the option cookie.name is set and you gave the value alone, give NAME=VALUE.'

function nameOf(key: string): string {
  return /^[\w.-]+$/.test(key) ? key : jsonLine(key)
}
