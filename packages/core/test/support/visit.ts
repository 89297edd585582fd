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
  /** What `onError` was told. */
  readonly errors: readonly unknown[]
}

/** The connection takes another request, and nothing was left on it. */
export async function expectUsable(wire: Wire): Promise<void> {
  wire.send('GET', '/again')
  expect((await wire.response()).body).toBe('again')
}

export type SessionHandler<T> = (
  session: Session<AnyData>,
  response: ServerResponse,
  request: IncomingMessage,
) => T | Promise<T>

/** Serves with a handler that opens its session first, and at `/again` without; and connects to it. */
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
