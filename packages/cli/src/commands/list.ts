import type { OwnedSession, Sessions } from '@sess/core'
import { jsonLine } from '../json.js'
import type { Answer } from '../output.js'
import { nobody, type OwnerArgument } from '../owner.js'
import { moment, table } from '../table.js'

export async function list(sess: Sessions, owner: OwnerArgument, withData: boolean): Promise<Answer> {
  const sessions = await sess.owner(owner.id).sessions()
  const json = { ownerType: owner.type, sessions: sessions.map((session) => jsonOf(session, withData)) }
  if (sessions.length === 0) return { code: 1, text: await nobody(sess, owner), json }
  const head = ['id', 'started', 'last used', 'expires', ...(withData ? ['data'] : [])]
  return { code: 0, text: table([head, ...sessions.map((session) => row(session, withData))]), json }
}

function row(
  { id, startedAt, lastUsedAt, expiresAt, data }: OwnedSession<object>,
  withData: boolean,
): readonly string[] {
  return [id, moment(startedAt), moment(lastUsedAt), moment(expiresAt), ...(withData ? [jsonLine(data)] : [])]
}

function jsonOf({ data, ...stamps }: OwnedSession<object>, withData: boolean): object {
  return withData ? { ...stamps, data } : stamps
}
