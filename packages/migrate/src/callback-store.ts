import { type Check, type FormerData, like } from '@sess/core/adapter'
import { jsonOf, storedData, StoredSession } from './stored-session.js'

type Callback = (error: unknown, session?: unknown) => void

/** A store as express-session and @fastify/session take it. Only these methods are called. */
export interface CallbackStore {
  /** Calls back with a session; nothing if there is none. */
  get(id: string, callback: Callback): unknown
  /** Removes a session. */
  destroy(id: string, callback: Callback): unknown
}

/** What is said of a session whose cookie has expired, and which its store returns all the same. */
type Past = 'ended' | 'alive'

const hasMethods = like<CallbackStore>(
  'the store of the former library, an object with get and destroy',
  'get',
  'destroy',
)

/** The check of an option `store`. */
export const callbackStore: Check<CallbackStore> = hasMethods

/** The session that a store has under an id. `past`: what a cookie that has expired means. */
export function sessionIn(store: CallbackStore, name: string, past: Past): (id: string) => StoredSession {
  async function read(id: string, now: number): Promise<FormerData | undefined> {
    const session = await answerOf((callback) => store.get(id, callback))
    if (!session) return undefined
    const data = storedData(name, jsonOf(name, session))
    if (data.expiresAt === undefined || data.expiresAt > now) return data
    return past === 'alive' ? { ...data, expiresAt: undefined } : undefined
  }
  const remove = (id: string): Promise<unknown> => answerOf((callback) => store.destroy(id, callback))
  return (id) => new StoredSession(id, { name, read, remove })
}

/**
 * The first answer of a store: to the callback, or by what the call throws, or by the rejection of a promise that it
 * returns. Later ones are dropped. A store that never answers is given up by core, after its own time limit.
 */
function answerOf(call: (callback: Callback) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle: Callback = (error, session) => (error ? fail(error) : resolve(session))
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- StoredSession converts it
    const fail = (error: unknown): void => reject(error)
    try {
      Promise.resolve(call(settle)).catch(fail)
    } catch (error) {
      fail(error)
    }
  })
}
