import type { ServerResponse } from 'node:http'
import { type Tracer, trace } from '@opentelemetry/api'
import memory from '@sess/adapter-memory'
import { type CoreOptions, type Session, type Sessions, sessions } from '@sess/core'
import type { Adapter, ServerStore } from '@sess/core/adapter'
import { onTestFinished } from 'vitest'
import { Clock } from '../../core/test/support/clock.ts'
import { SECRET } from '../../core/test/support/secret.ts'
import { serve } from '../../core/test/support/served.ts'

export interface Visitor {
  userId: number
  note: string
  visits: number
}

type Handler = (session: Session<Visitor>, response: ServerResponse) => void | Promise<void>

interface SiteOptions extends Partial<CoreOptions<keyof Visitor>> {
  /** Puts something between core and the store. */
  readonly wrap?: (store: ServerStore) => ServerStore
  /** Makes the span of each request, as the instrumentation of HTTP does. */
  readonly tracer?: Tracer
}

let scopes = 0

/** A server with a memory store of its own, until the test ends. Each visit says what its handler does. */
export class Site {
  readonly clock = new Clock()
  readonly sess: Sessions<Visitor>
  readonly #port: Promise<number>
  readonly #handlers = new Map<string, Handler>()
  readonly #tracer: Tracer

  constructor({ wrap = (store) => store, tracer = trace.getTracer('none'), ...options }: SiteOptions = {}) {
    this.#tracer = tracer
    const scope = `site ${++scopes}`
    const adapter: Adapter = (_, context) => {
      const store = memory({ scope }, context)
      if (store.kind !== 'server') throw new Error('expected a server store')
      return wrap(store)
    }
    const given: CoreOptions<keyof Visitor> = {
      secret: SECRET,
      clock: this.clock.read,
      onError: () => undefined,
      ...options,
    }
    this.sess = sessions(adapter, given)
    onTestFinished(() => this.sess.close())
    this.#port = serve((request, response) => {
      const handler = this.#handlers.get(request.url ?? '')
      void this.#tracer.startActiveSpan(`GET ${request.url}`, async (span) => {
        response.once('close', () => span.end())
        try {
          const session = await this.sess.open(request, response)
          await handler?.(session, response)
          response.end()
        } catch {
          response.writeHead(500).end()
        }
      })
    })
  }

  /** Resolves with the status. */
  async visit(client: Client, path: string, handler: Handler): Promise<number> {
    this.#handlers.set(path, handler)
    const response = await fetch(`http://127.0.0.1:${await this.#port}${path}`, { headers: client.headers })
    client.take(response)
    await response.arrayBuffer()
    return response.status
  }
}

/** A browser, as far as the session's cookie goes. */
export class Client {
  cookie = ''

  get headers(): Record<string, string> {
    return this.cookie === '' ? {} : { cookie: this.cookie }
  }

  take(response: Response): void {
    const [sent] = response.headers.getSetCookie()
    if (sent !== undefined) this.cookie = sent.split(';')[0] ?? ''
  }
}
