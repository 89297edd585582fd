import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AnyData, type CoreOptions, type Session, sessions } from '@sess/core'
import { expect } from 'vitest'
import { SECRET } from './secret.ts'
import { Handling, serve } from './served.ts'
import { TroubledStore } from './troubled-store.ts'
import { Wire } from './wire.ts'

export interface Served<T> {
  readonly store: TroubledStore
  readonly handling: Handling<T>
  readonly port: number
  readonly wire: Wire
  /** The errors that `onError` received. */
  readonly errors: readonly unknown[]
}

/** Fails unless the connection has no leftover bytes and serves another request. */
export async function expectUsable(wire: Wire): Promise<void> {
  wire.send('GET', '/again')
  expect((await wire.response()).body).toBe('again')
}

export type SessionHandler<T> = (
  session: Session<AnyData>,
  response: ServerResponse,
  request: IncomingMessage,
) => T | Promise<T>

/** Serves a handler that gets its opened session, and `/again` without a session; connects to the server. */
export async function serveSession<T>(
  handler: SessionHandler<T>,
  store: TroubledStore = new TroubledStore(),
  options: Partial<CoreOptions> = {},
): Promise<Served<T>> {
  const errors: unknown[] = []
  const sess = sessions(store, { secret: SECRET, onError: (error) => errors.push(error), ...options })
  const handling = new Handling<T>(async (req, res) => handler(await sess.open(req, res), res, req))
  const port = await serve((req, res) => {
    if (req.url === '/again') res.end('again')
    else handling.listener(req, res)
  })
  return { store, handling, port, wire: await Wire.open(port), errors }
}
