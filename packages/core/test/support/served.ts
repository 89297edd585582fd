import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Server as NetServer } from 'node:net'
import { onTestFinished } from 'vitest'
import { Signal } from './signal.ts'

/** Listens on the loopback address; resolves with the port. */
export async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected an address')
  return address.port
}

/** Serves with node:http until the test ends; resolves with the port. */
export async function serve(listener: RequestListener, server: Server = createServer()): Promise<number> {
  server.on('request', listener)
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return listen(server)
}

export type Handler<T> = (request: IncomingMessage, response: ServerResponse) => T | Promise<T>

/** Makes a listener from a handler that may be async, and records how each call ends. */
export class Handling<T> {
  readonly #outcomes: Promise<T>[] = []
  readonly #called = new Signal()
  readonly #handler: Handler<T>

  constructor(handler: Handler<T>) {
    this.#handler = handler
  }

  readonly listener = (request: IncomingMessage, response: ServerResponse): void => {
    const outcome = (async () => this.#handler(request, response))()
    outcome.catch(() => undefined)
    this.#outcomes.push(outcome)
    this.#called.fire()
  }

  /** Settles as the only call does. */
  async outcome(): Promise<T> {
    await this.#called.happened
    const [outcome, ...others] = this.#outcomes
    if (outcome === undefined || others.length > 0) throw new Error(`expected one call, not ${this.#outcomes.length}`)
    return outcome
  }

  /** Resolves when every call so far has ended, with or without an error. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#outcomes)
  }
}
