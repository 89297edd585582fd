import { isSessError, safeCause, SessError } from '../error.js'
import type { FormerCookie, FormerData, FormerSession, FormerSessions } from './former.js'
import type { TimeLimit } from './time-limit.js'

/** A session of another library that a request has the cookie of. */
export interface FormerFound {
  readonly former: FormerSessions
  readonly session: FormerSession
}

/** The sessions of other libraries, as one request comes with their cookies. */
export class FormerVisit {
  readonly #formers: readonly FormerSessions[]
  readonly #valuesOf: (name: string) => readonly string[]
  #found: Promise<readonly FormerFound[]> | undefined
  #taken: FormerSessions | undefined
  #ended: readonly FormerSessions[] = []

  /** `valuesOf`: the values of the request's cookies of a name. */
  constructor(formers: readonly FormerSessions[], valuesOf: (name: string) => readonly string[]) {
    this.#formers = formers
    this.#valuesOf = valuesOf
  }

  /**
   * The cookies that the response has to clear: that of a session that was taken over only if the response has the new one
   * (`isSent`), since the browser would otherwise have neither.
   */
  cleared(isSent: boolean): readonly FormerCookie[] {
    const formers = isSent && this.#taken ? [this.#taken, ...this.#ended] : this.#ended
    const cookies = new Set(formers.flatMap((former) => former.cookies))
    return [...cookies].filter(({ name }) => this.#valuesOf(name).length > 0)
  }

  /** The session of this library was taken over. */
  take(former: FormerSessions): void {
    if (!former.keep) this.#taken = former
  }

  /** Whose cookies are genuine, in the order of the option `migrate`. */
  sessions(): Promise<readonly FormerFound[]> {
    return (this.#found ??= this.#find())
  }

  async #find(): Promise<readonly FormerFound[]> {
    const present = this.#formers.filter(({ cookies }) => cookies.some(({ name }) => this.#valuesOf(name).length > 0))
    const found = present.map(async (former) => ({ former, session: await answered(former, this.#sessionOf(former)) }))
    return (await Promise.all(found)).flatMap(({ former, session }) => (session ? [{ former, session }] : []))
  }

  async #sessionOf(former: FormerSessions): Promise<FormerSession | undefined> {
    return former.find(this.#valuesOf)
  }

  /** Ends the sessions, and clears their cookies. Rejects with the error of a store. */
  async end(limit: TimeLimit): Promise<void> {
    const found = await limit.bound(this.sessions())
    await Promise.all(found.map(async ({ former, session }) => limit.bound(answered(former, session.end()))))
    this.#ended = found.map(({ former }) => former)
  }
}

/** `undefined`: the session has ended. Rejects with the error of its store. */
export function readFormer(
  { former, session }: FormerFound,
  now: number,
  limit: TimeLimit,
): Promise<FormerData | undefined> {
  return limit.bound(answered(former, session.read(now)))
}

/** An error that is none of ours may show what the other library keeps, so it is replaced. */
async function answered<T>({ name }: FormerSessions, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (isSessError(error)) throw error
    const cause = safeCause(error)
    throw new SessError('UNAVAILABLE', `The sessions of ${name}, which the option migrate names, failed.`, { cause })
  }
}
