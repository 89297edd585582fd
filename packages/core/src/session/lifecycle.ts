import type { SessError } from '../error.js'

/** What a session needs from its exchange. */
export interface SessionLifecycle {
  /** The keys of the session. Does not count as a read. */
  keys(): readonly string[]
  readonly id: string | undefined
  /** As `id`; a session that is not stored yet has one too. */
  readonly futureId: string
  readonly expiresAt: Date | undefined
  /** The session's own idle timeout, in milliseconds. `undefined`: it has none. */
  maxAge: number | undefined
  /** How long the browser keeps the session's cookie without use, in milliseconds. `undefined`: until it is closed. */
  readonly cookieMaxAge: number | undefined
  /** Why the session cannot be changed: `SEALED` or `READ_ONLY`. `undefined`: it can be. */
  readonly refusal: (() => SessError) | undefined
  /** Throws the refusal, if there is one. */
  assertOpen(): void
  readonly isSealed: boolean
  /** The session's key in the store, as far as it is stored. */
  readonly key: string | undefined
  /** A login of the request counts as begun now, not when the session was opened. */
  beginAgain(): void
  /** When the user last logged in, as stored; in epoch milliseconds. */
  readonly loggedInAt: number | undefined
  /** `remember`: whether the session is to be remembered. `undefined`: as it was. */
  regenerate(remember: boolean | undefined): void
  destroy(): void
  /** Ends the session although the response has begun. Rejects with `SEALED` if the browser holds the session. */
  endLate(): Promise<void>
  discard(): void
  save(): Promise<void>
  /** Drops the changes and reads the session again. Resolves with `false` if it has ended or moved. */
  reload(): Promise<boolean>
}
