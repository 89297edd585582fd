import { SessError, type Session } from '@sess/core'
import { sessFastify, type Visitor } from '@sess/fastify'
import { fastify, type FastifyInstance, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import { onTestFinished } from 'vitest'
import { NotedSessions } from '../../../tests/support/noted-sessions.ts'

export { SECRET } from '../../../tests/support/noted-sessions.ts'

declare module '@sess/fastify' {
  interface Visitor {
    user: string
    visits: number
  }
}

/**
 * `request.session`. These tests are in one program with those of @sess/migrate, where `request.session` has the type of
 * @fastify/session: `types.test.ts` compiles applications as they are.
 */
export function sessionOf(request: FastifyRequest): Promise<Session<Visitor>> {
  return Reflect.get(request, 'session') as unknown as Promise<Session<Visitor>>
}

/** Sessions in a memory store that notes its calls, and fails while `fails` is set. */
export class Backend extends NotedSessions<Visitor> {}

export const unavailable = (): SessError => new SessError('UNAVAILABLE', 'The store is down.')

/** An application that is closed when the test ends. */
export function application(options: FastifyServerOptions = {}): FastifyInstance {
  const app = fastify(options)
  onTestFinished(() => app.close())
  return app
}

/** An application with the plugin. */
export async function withSessions(backend = new Backend()): Promise<FastifyInstance> {
  const app = application()
  await app.register(sessFastify, { sess: backend.sess })
  return app
}

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** A browser at an application that listens. */
export class Browser {
  readonly #origin: string
  cookie: string

  private constructor(origin: string, cookie: string) {
    this.#origin = origin
    this.cookie = cookie
  }

  static async at(app: FastifyInstance, cookie = ''): Promise<Browser> {
    if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
    return new Browser(app.listeningOrigin, cookie)
  }

  async get(path = '/', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const response = await fetch(this.#origin + path, { headers: { cookie: this.cookie, ...headers } })
    const set = response.headers.getSetCookie().map((line) => line.split(';')[0] ?? '')
    if (set.length > 0) this.cookie = [...this.#others(set), ...set].join('; ')
    return { status: response.status, text: await response.text(), headers: response.headers }
  }

  #others(set: readonly string[]): readonly string[] {
    const names = new Set(set.map((pair) => pair.split('=')[0]))
    return this.cookie.split('; ').filter((pair) => pair !== '' && !names.has(pair.split('=')[0]))
  }
}
