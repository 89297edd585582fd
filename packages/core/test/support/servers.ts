import { type AnyData, type CoreOptions, type Session, sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { SECRET } from './secret.ts'
import { Handling, serve } from './served.ts'

const ORIGIN = 'http://127.0.0.1/'

type Use = (session: Session<AnyData>) => unknown
/** Makes a request that carries a cookie. */
type Send = (cookie?: string) => Promise<Response>
/** Serves one handler: it passes its opened session to `use`, then answers 200. */
type ServeOn = (store: ServerStore, use: Use, options?: Partial<CoreOptions>) => Promise<Send>

const onNode: ServeOn = async (store, use, options) => {
  const sess = sessions(store, { secret: SECRET, onError: () => undefined, ...options })
  const handling = new Handling(async (req, res) => {
    await use(await sess.open(req, res))
    res.end('body')
  })
  const port = await serve(handling.listener)
  return async (cookie = '') => fetch(`http://127.0.0.1:${port}/`, { headers: { cookie }, redirect: 'manual' })
}

const onFetch: ServeOn = async (store, use, options) => {
  const sess = sessions(store, { secret: SECRET, onError: () => undefined, ...options })
  const handle = sess.fetch(async (request) => {
    await use(await sess.open(request))
    return new Response('body')
  })
  return async (cookie = '') => handle(new Request(ORIGIN, { headers: { cookie } }))
}

export const SERVERS: readonly (readonly [name: string, serveOn: ServeOn])[] = [
  ['node:http', onNode],
  ['a fetch handler', onFetch],
]
