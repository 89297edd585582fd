import { isSessError } from '@sess/core/adapter'

/** The attributes of spans and metrics. `session.id` and `error.type` are of the semantic conventions. */
export const SESSION_ID = 'session.id'
export const ERROR_TYPE = 'error.type'
export const STORE = 'sess.store.name'
export const CALL = 'sess.store.operation.name'
export const OUTCOME = 'sess.open.outcome'
export const WORK = 'sess.commit.work'
export const ATTEMPTS = 'sess.commit.attempts'
export const SIZE = 'sess.commit.size'
export const REASON = 'sess.end.reason'
export const FROM = 'sess.migrate.from'

/** The `error.type` of an error: its code. What is no `SessError` may hold anything, so nothing of it is told. */
export const errorType = (error: unknown): string => (isSessError(error) ? error.code : '_OTHER')
