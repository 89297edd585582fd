import {
  codeOf,
  type FormerData,
  type FormerSession,
  isError,
  isSessError,
  SessError,
  unavailable,
} from '@sess/core/adapter'
import { isObject, parseObject } from './json.js'

interface StoredSessionContext {
  /** What messages call the library. */
  readonly name: string
  /** Resolves with what the store has under the id. `undefined`: nothing, or what has ended. */
  readonly read: (id: string, now: number) => Promise<FormerData | undefined>
  readonly remove: (id: string) => Promise<unknown>
}

/** A session that its cookie carries the id of. */
export class StoredSession implements FormerSession {
  // It is private, because an id is all that a thief needs who can sign it.
  readonly #id: string
  readonly #context: StoredSessionContext

  constructor(id: string, context: StoredSessionContext) {
    this.#id = id
    this.#context = context
  }

  get id(): string {
    return this.#id
  }

  async read(now: number): Promise<FormerData | undefined> {
    try {
      return await this.#context.read(this.#id, now)
    } catch (error) {
      if (isAbsence(error)) return undefined
      throw this.#failure(error)
    }
  }

  async end(): Promise<void> {
    try {
      await this.#context.remove(this.#id)
    } catch (error) {
      if (!isAbsence(error)) throw this.#failure(error)
    }
  }

  #failure(error: unknown): SessError {
    if (isSessError(error)) return error
    // A message of JSON.parse quotes the text, which is session data.
    if (isError(error) && error.name === 'SyntaxError') return corrupt(this.#context.name)
    return unavailable(this.#context.name, error)
  }
}

/** Stores of files report a missing session as a missing file. express-session and @fastify/session accept that. */
function isAbsence(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

/** The error `CORRUPT`: the store has something else under an id. */
export function corrupt(name: string): SessError {
  return new SessError(
    'CORRUPT',
    `The ${name} store has something under a session's id that is not a session in JSON. If the former application gave ` +
      'its store a serializer, use expressSession with that store. Otherwise, does another program write there?',
  )
}

/**
 * What a session of express-session or @fastify/session holds, whose JSON this is: its values, next to a key `cookie` with
 * the time at which it expires. Throws `CORRUPT` for anything else.
 */
export function storedData(name: string, json: string): FormerData {
  const { cookie, ...values } = parseObject(json) ?? {}
  if (!isObject(cookie)) throw corrupt(name)
  const expiresAt = typeof cookie['expires'] === 'string' ? Date.parse(cookie['expires']) : Number.NaN
  return { values, expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt }
}

/** The JSON of a session that a store returned as an object. Throws `CORRUPT` for what JSON cannot carry. */
export function jsonOf(name: string, session: unknown): string {
  try {
    return JSON.stringify(session) ?? ''
  } catch {
    throw corrupt(name)
  }
}
