import { SessError } from '../error.js'
import { readOnly } from '../session/read-only.js'
import type { SessionSchema } from '../session/schema.js'
import type { AnyData } from '../session/session.js'
import type { SessionRecord } from '../storage/record.js'
import type { SessionStorage } from '../storage/storage.js'
import type { SessionDetails } from './types.js'

/** What is shown of a session outside its requests. */
export function detailsOf(
  record: SessionRecord,
  storage: SessionStorage,
  schema: SessionSchema | undefined,
): SessionDetails<AnyData> {
  const { id, startedAt, values } = record
  return {
    id,
    startedAt: new Date(startedAt),
    lastUsedAt: new Date(storage.lastUseOf(record)),
    expiresAt: new Date(storage.endOf(record)),
    data: readOnly(schema?.read(values) ?? values, unwritable),
  }
}

function unwritable(): SessError {
  return new SessError(
    'READ_ONLY',
    'A session that is listed or inspected cannot be changed. To change a session, open it in a request of its own.',
  )
}
