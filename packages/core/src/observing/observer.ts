import { shorten } from '../error.js'
import { processWide } from '../process-wide.js'
import { channels, isTraced } from './channels.js'
import type { CommitReport } from './commit-report.js'
import type {
  BeginMessage,
  CommitMessage,
  ConflictMessage,
  EndMessage,
  EndReason,
  Growing,
  LoginMessage,
  MigrateMessage,
  OpenMessage,
  OpenOutcome,
} from './messages.js'
import { traced } from './traced.js'

/** What `Observer.open` tells of a session. */
interface Opened {
  readonly record: { readonly id: string } | undefined
  readonly outcome: OpenOutcome
}

/** How many of the sessions whose expiry was published are remembered. */
const MOST_EXPIRED = 10_000

/**
 * Their public names. An expired session is not touched, since a slice with longer timeouts may still use it. So each request
 * with its cookie finds it again.
 */
const expired = processWide('@sess/core expired/1', () => new Set<string>())

/**
 * Tells those who have subscribed to the channels of `node:diagnostics_channel` what happens to the sessions of one application.
 * Where nobody has, it builds nothing.
 */
export class Observer {
  readonly #store: string
  readonly #channels = channels()

  /** `store`: the store's name. */
  constructor(store: string) {
    this.#store = store
  }

  get observesOpens(): boolean {
    return isTraced(this.#channels.open)
  }

  /** Settles as `load` does. Call it only if opens are observed. */
  open<T extends Opened>(load: () => Promise<T>): Promise<T> {
    const message: Growing<OpenMessage> = { store: this.#store }
    return traced(this.#channels.open, message, async () => {
      const opened = await load()
      const { record, outcome } = opened
      if (record) message.id = record.id
      message.outcome = outcome
      return opened
    })
  }

  get observesCommits(): boolean {
    return isTraced(this.#channels.commit) || this.#channels.conflict.hasSubscribers
  }

  /** Settles as `store` does. Call it only if commits are observed. */
  commit<T>(told: Omit<CommitMessage, 'store'>, store: (report: CommitReport) => Promise<T>): Promise<T> {
    const message: Growing<CommitMessage> = { store: this.#store, ...told }
    return traced(this.#channels.commit, message, () => store(message))
  }

  began(id: string): void {
    const { begin } = this.#channels
    if (begin.hasSubscribers) begin.publish({ store: this.#store, id } satisfies BeginMessage)
  }

  get observesLogins(): boolean {
    return this.#channels.login.hasSubscribers
  }

  /** `previous`: the public name that the session had. `undefined`: there was none. */
  loggedIn(id: string, previous: string | undefined): void {
    const { login } = this.#channels
    if (!login.hasSubscribers) return
    const message: LoginMessage = { store: this.#store, id, ...(previous !== undefined && { previous }) }
    login.publish(message)
  }

  get observesEnds(): boolean {
    return this.#channels.end.hasSubscribers
  }

  ended(id: string, reason: EndReason): void {
    const { end } = this.#channels
    if (end.hasSubscribers) end.publish({ store: this.#store, id, reason } satisfies EndMessage)
  }

  /** A session was found expired. It is told once. */
  expired(id: string): void {
    if (!this.observesEnds || expired.has(id)) return
    expired.add(id)
    const [oldest] = expired
    if (expired.size > MOST_EXPIRED && oldest !== undefined) expired.delete(oldest)
    this.ended(id, 'expired')
  }

  conflicted(id: string | undefined, key: string): void {
    const { conflict } = this.#channels
    if (!conflict.hasSubscribers) return
    const message: ConflictMessage = { store: this.#store, ...(id !== undefined && { id }), key: shorten(key) }
    conflict.publish(message)
  }

  /** A session of another library was taken over. A counter of these says when the option `migrate` can go. */
  tookOver(from: string): void {
    const { migrate } = this.#channels
    if (migrate.hasSubscribers) migrate.publish({ from } satisfies MigrateMessage)
  }
}
