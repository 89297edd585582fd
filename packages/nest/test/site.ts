import { SessError } from '@sess/core'
import { Controller, Get, type INestApplication, type ModuleMetadata, type Type } from '@nestjs/common'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import { onTestFinished } from 'vitest'
import { NotedSessions } from '../../../tests/support/noted-sessions.ts'

export { SECRET } from '../../../tests/support/noted-sessions.ts'

export interface Visitor {
  user: string
  visits: number
}

/** Sessions in a memory store that notes its calls, and fails while `fails` is set. */
export class Backend extends NotedSessions<Visitor> {}

export const unavailable = (): SessError => new SessError('UNAVAILABLE', 'The store at a secret place is down.')

/** A handler of a controller, with the decorators of its parameters. */
export interface Handler {
  readonly path: string
  // oxlint-disable-next-line typescript/no-explicit-any -- What its decorators pass.
  readonly handle: (...args: any[]) => unknown
  readonly parameters?: readonly ParameterDecorator[]
  readonly decorators?: readonly MethodDecorator[]
}

/** A controller without the syntax of decorators, which the tests of this repository are not compiled for. */
export function controller(handlers: readonly Handler[], ...decorators: readonly ClassDecorator[]): Type {
  class Handlers {
    readonly count = handlers.length
  }
  for (const { path, handle, parameters = [], decorators: own = [] } of handlers) {
    Object.defineProperty(Handlers.prototype, path, { value: handle })
    const descriptor = Object.getOwnPropertyDescriptor(Handlers.prototype, path)
    if (descriptor === undefined) throw new Error('It was defined.')
    for (const [index, decorate] of parameters.entries()) decorate(Handlers.prototype, path, index)
    for (const decorate of [...own, Get(path)]) decorate(Handlers.prototype, path, descriptor)
  }
  for (const decorate of [...decorators, Controller()]) decorate(Handlers)
  return Handlers
}

export const PLATFORMS = {
  express: () => new ExpressAdapter(),
  fastify: () => new FastifyAdapter(),
} as const

export type Platform = keyof typeof PLATFORMS

/** An application that listens, and closes when the test ends. */
export async function start(
  platform: Platform,
  metadata: ModuleMetadata,
  configure: (app: INestApplication) => void = () => undefined,
): Promise<INestApplication> {
  const module = await Test.createTestingModule(metadata).compile()
  const app = module.createNestApplication(PLATFORMS[platform](), { logger: false })
  configure(app)
  onTestFinished(() => app.close())
  await app.listen(0, '127.0.0.1')
  return app
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** A browser at an application. */
export class Browser {
  readonly #app: INestApplication
  cookie: string

  constructor(app: INestApplication, cookie = '') {
    this.#app = app
    this.cookie = cookie
  }

  async get(path: string): Promise<Answer> {
    const response = await fetch((await this.#app.getUrl()) + path, { headers: { cookie: this.cookie } })
    this.cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? this.cookie
    return { status: response.status, text: await response.text() }
  }
}
