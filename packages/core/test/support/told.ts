import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { codeOf } from '@sess/core/adapter'
import { onTestFinished } from 'vitest'

const TRACED = ['open', 'commit', 'store'] as const
const PLAIN = ['begin', 'login', 'end', 'conflict', 'migrate'] as const

/** The name of a channel without `sess.`, and a message. */
export type Told = readonly [channel: string, message: Readonly<Record<string, unknown>>]

/** Subscribes to all channels, until the test ends. */
export class Listener {
  readonly #told: Told[] = []
  readonly #calls: unknown[] = []
  /** Every message of every channel, itself. */
  readonly messages = new Set<object>()

  readonly #stops: (() => void)[] = []

  constructor() {
    onTestFinished(() => this.stop())
    for (const name of TRACED) {
      const { start, end, asyncStart, asyncEnd, error } = tracingChannel(`sess.${name}`)
      for (const channel of [start, end, asyncStart, asyncEnd, error])
        this.#listen(channel.name, (message) => {
          if (name === 'store' && channel === start) this.#calls.push(message['call'])
          if (name !== 'store' && channel === asyncEnd) this.#told.push([name, { ...message }])
        })
    }
    for (const name of PLAIN) this.#listen(`sess.${name}`, (message) => this.#told.push([name, { ...message }]))
  }

  #listen(channel: string | symbol, note: (message: Record<string, unknown>) => void): void {
    const listen = (message: unknown): void => {
      if (typeof message !== 'object' || message === null) throw new Error('expected an object')
      this.messages.add(message)
      note(Object.fromEntries(Object.entries(message)))
    }
    subscribe(channel, listen)
    this.#stops.push(() => void unsubscribe(channel, listen))
  }

  /** Hears nothing more. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }

  /** The store calls, in the order in which they began. */
  get calls(): readonly unknown[] {
    return [...this.#calls]
  }

  /**
   * What was told, in order; work, as its message was once it had settled. `#1` is the first session that is named, and so
   * on. An error is its code, and a number of bytes `'some'`.
   */
  get told(): readonly Told[] {
    const names = new Map<unknown, string>()
    const nameOf = (id: unknown): string => {
      const name = names.get(id) ?? `#${names.size + 1}`
      names.set(id, name)
      return name
    }
    // In the order in which people think of them, not in that of a message's properties.
    for (const [, { previous, id }] of this.#told) for (const one of [previous, id]) if (one !== undefined) nameOf(one)
    const shown = (key: string, value: unknown): unknown => {
      if (key === 'id' || key === 'previous') return nameOf(value)
      if (key === 'error') return codeOf(value)
      return key === 'bytes' && typeof value === 'number' ? 'some' : value
    }
    return this.#told.map(([channel, message]) => [
      channel,
      Object.fromEntries(Object.entries(message).map(([key, value]) => [key, shown(key, value)])),
    ])
  }
}
