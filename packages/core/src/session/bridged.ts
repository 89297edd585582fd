import type { Draft } from './draft.js'
import type { SessionLifecycle } from './lifecycle.js'
import { reserved, unreserved } from './reserved.js'
import type { SessionSchema } from './schema.js'

/**
 * A session without its methods, for a bridge from another session library: any key can be used, and what JSON makes of a
 * value is stored. It is the same session as the one that `Sessions.open` resolves with in this request.
 */
export interface BridgedSession {
  /** The session's public name, which is not a credential. One that is not stored yet has the name that it will have. */
  readonly id: string
  /** Whether the response has begun: what is changed now is not stored. */
  readonly isSealed: boolean
  /** When the session ends if it is not used again. `undefined`: it is not stored. */
  readonly expiresAt: Date | undefined
  /**
   * How long the session lives without use, in milliseconds, if it has an idle timeout of its own; `absoluteTimeout` still
   * holds. Its cookie then survives a restart of the browser. `undefined`: it lives as the options say. To assign it is a
   * change of the session.
   */
  maxAge: number | undefined
  /**
   * How long the browser keeps the session's cookie without use, in milliseconds. `undefined`: until it is closed.
   */
  readonly cookieMaxAge: number | undefined
  /** The keys of the values. */
  keys(): readonly string[]
  /** `undefined`: there is no such key. */
  get(key: string): unknown
  /** `undefined` and `null` remove the key. Throws `INVALID_VALUE` for what JSON refuses, and `SEALED`. */
  set(key: string, value: unknown): void
  /** Stores the changes, as `session.save` does. */
  save(): Promise<void>
  /** Drops the changes and reads the session again. Resolves with `false` if it has ended or moved. */
  reload(): Promise<boolean>
  /**
   * Ends the session now. What is set afterwards belongs to a new one. After the response began, the browser keeps its
   * cookie, which opens nothing; rejects with `SEALED` there if the browser holds the session itself.
   */
  end(): Promise<void>
  /**
   * Ends the session with the next `save`, or with the response, whatever its status is. What is set afterwards belongs to a
   * new one, which is stored in the same step: no other request can begin a third one in between. Throws `SEALED`.
   */
  renew(): void
}

export function bridgedSession(
  lifecycle: SessionLifecycle,
  draft: Draft,
  schema: SessionSchema | undefined,
): BridgedSession {
  draft.takeAnyValue()
  return new Bridged(lifecycle, draft, schema)
}

class Bridged implements BridgedSession {
  readonly #lifecycle: SessionLifecycle
  readonly #draft: Draft
  readonly #schema: SessionSchema | undefined

  constructor(lifecycle: SessionLifecycle, draft: Draft, schema: SessionSchema | undefined) {
    this.#lifecycle = lifecycle
    this.#draft = draft
    this.#schema = schema
  }

  get id(): string {
    return this.#lifecycle.futureId
  }

  get isSealed(): boolean {
    return this.#lifecycle.isSealed
  }

  get expiresAt(): Date | undefined {
    return this.#lifecycle.expiresAt
  }

  get maxAge(): number | undefined {
    return this.#lifecycle.maxAge
  }

  set maxAge(ms: number | undefined) {
    this.#lifecycle.assertOpen()
    this.#lifecycle.maxAge = ms
  }

  get cookieMaxAge(): number | undefined {
    return this.#lifecycle.cookieMaxAge
  }

  keys(): readonly string[] {
    return this.#draft.keys(this.#schema).map(reserved)
  }

  get(key: string): unknown {
    return this.#draft.read(unreserved(key), this.#schema)
  }

  set(key: string, value: unknown): void {
    this.#lifecycle.assertOpen()
    this.#draft.assign(unreserved(key), value, this.#schema)
  }

  save(): Promise<void> {
    return this.#lifecycle.save()
  }

  reload(): Promise<boolean> {
    return this.#lifecycle.reload()
  }

  async end(): Promise<void> {
    if (this.#lifecycle.isSealed) return this.#lifecycle.endLate()
    this.#lifecycle.destroy()
    await this.#lifecycle.save()
  }

  renew(): void {
    this.#lifecycle.assertOpen()
    this.#lifecycle.destroy()
  }
}
