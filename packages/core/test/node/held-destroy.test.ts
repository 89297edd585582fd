import type { RequestListener } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import express from 'express'
import { type AnyData, type Session, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { awaiting } from '../support/express-applications.ts'
import { SECRET } from '../support/secret.ts'
import { serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { Wire } from '../support/wire.ts'

type Open = (...args: Parameters<RequestListener>) => Promise<unknown>

const withoutSession: Open = async () => undefined

/** Opens the session and changes it. */
function changing(store: TroubledStore): Open {
  const sess = sessions(store, { secret: SECRET, onError: () => undefined })
  return async (req, res) => {
    const session: Session<AnyData> = await sess.open(req, res)
    session['visits'] = 1
  }
}

/** A handler that answers 401 and then destroys its connection. */
type Destroy = (...args: Parameters<RequestListener>) => unknown

const listenerOf =
  (open: Open, destroy: Destroy): RequestListener =>
  (req, res) => {
    void open(req, res).then(() => {
      res.writeHead(401)
      res.end('sorry')
      destroy(req, res)
    })
  }

const LISTENERS: readonly [name: string, listener: (open: Open) => RequestListener][] = [
  [
    'next(error) of Express',
    (open) =>
      express()
        .set('env', 'test')
        .use(
          awaiting(async (req, res) => {
            await open(req, res)
            res.status(401).send('sorry')
            throw new Error('of the application')
          }),
        ),
  ],
  ['req.socket.destroy()', (open) => listenerOf(open, (req) => req.socket.destroy())],
  ['req.destroy()', (open) => listenerOf(open, (req) => req.destroy())],
  ['res.destroy()', (open) => listenerOf(open, (_req, res) => res.destroy())],
]

describe.each(LISTENERS)('a response that has ended, and then %s', (_name, listener) => {
  /** The response, after which the connection closes. The store is slow: it answers after the connection's end. */
  const answer = async (store?: TroubledStore, requests = 1) => {
    store?.stall()
    const wire = await Wire.open(await serve(listener(store ? changing(store) : withoutSession)))
    for (let count = 0; count < requests; count++) wire.send('POST', '/', [], 'unread')
    await store?.reached
    for (let turns = 0; turns < 5; turns++) await turn()
    store?.release()
    const { status, body } = await wire.response()
    await wire.closed()
    return { status, body }
  }

  test('arrives before the connection is closed, as without a session', async () => {
    expect(await answer(new TroubledStore())).toEqual(await answer())
  })

  test('becomes 503 where the store fails, before the connection is closed', async () => {
    const store = new TroubledStore()
    store.isDown = true
    expect(await answer(store)).toEqual({ status: 503, body: '503 Service Unavailable\n' })
  })

  test('arrives where another request waits on the connection', async () => {
    expect(await answer(new TroubledStore(), 2)).toEqual(await answer())
  })
})
