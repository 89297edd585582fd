import { sessions, type Session, type Sessions } from '@sess/core'
import { codeOf } from '@sess/core/adapter'
import { CurrentSession, InjectSess, SESS, SessionGuard, SessModule } from '@sess/nest'
import { type DynamicModule, Injectable, UseGuards } from '@nestjs/common'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { Test } from '@nestjs/testing'
import { describe, expect, test } from 'vitest'
import { Backend, controller, SECRET, start, type Visitor } from './site.ts'

const isClosed = (sess: Sessions<Visitor>): Promise<boolean> =>
  sess.read({ headers: {} }).then(
    () => false,
    (error: unknown) => codeOf(error) === 'CLOSED',
  )

/** Starts an application with the module alone, and closes it. Resolves with its sessions. */
async function startAndClose(module: DynamicModule): Promise<Sessions<Visitor>> {
  const app = await start('express', { imports: [module] })
  const sess = app.get<Sessions<Visitor>>(SESS)
  await app.close()
  return sess
}

describe('forRoot', () => {
  test('makes sessions for each application, which close with it', async () => {
    const module = SessModule.forRoot(() => new Backend().sess)
    const [one, other] = [await startAndClose(module), await startAndClose(module)]
    expect([one === other, await isClosed(one), await isClosed(other)]).toEqual([false, true, true])
  })

  test('leaves sessions open that it was given', async () => {
    const { sess } = new Backend()
    expect([(await startAndClose(SessModule.forRoot(sess))) === sess, await isClosed(sess)]).toEqual([true, false])
    await sess.close()
  })

  test.each<[string, unknown]>([
    ['the name of a store', 'redis'],
    ['the options of sessions()', { secret: SECRET }],
    ['nothing', undefined],
  ])('refuses %s', (_, given) => {
    const call = (): unknown => Reflect.apply(SessModule.forRoot, SessModule, [given])
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('refuses a function that makes something else, when the application starts', async () => {
    const module = Reflect.apply(SessModule.forRoot, SessModule, [() => ({ secret: SECRET })])
    const starting = Test.createTestingModule({ imports: [module] }).compile()
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

test('forRootAsync makes sessions of what is injected, which close with the application', async () => {
  class Config {
    readonly secret = SECRET
  }
  Injectable()(Config)
  class ConfigModule {
    readonly name = 'config'
  }
  const module = SessModule.forRootAsync({
    imports: [{ module: ConfigModule, providers: [Config], exports: [Config] }],
    inject: [Config],
    useFactory: async ({ secret }: Config): Promise<Sessions<Visitor>> => sessions('memory', { secret }),
  })
  expect(await isClosed(await startAndClose(module))).toBe(true)
})

test('InjectSess gives a service the sessions', async () => {
  class Service {
    readonly sess: Sessions<Visitor>
    constructor(sess: Sessions<Visitor>) {
      this.sess = sess
    }
  }
  Injectable()(Service)
  InjectSess()(Service, undefined, 0)
  const { sess } = new Backend()
  const app = await start('express', { imports: [SessModule.forRoot(sess)], providers: [Service] })
  expect(app.get(Service).sess).toBe(sess)
})

const COUNT = {
  path: '/',
  parameters: [CurrentSession()],
  decorators: [UseGuards(SessionGuard<Visitor>('user'))],
  handle: (session: Session<Visitor>) => session.update('visits', (n = 0) => n + 1),
}

describe('without the module', () => {
  test('a controller can be made, for a test of its own', async () => {
    const Handlers = controller([COUNT])
    const module = await Test.createTestingModule({ controllers: [Handlers] }).compile()
    expect(module.get(Handlers)).toBeInstanceOf(Handlers)
  })

  test('a request fails with what to import', async () => {
    const opening = new (SessionGuard<Visitor>('user'))().canActivate(new ExecutionContextHost([{}, {}]))
    await expect(opening).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('imports: [SessModule.forRoot('),
    })
  })
})

test.each([
  ['graphql', /In a resolver, open it with sess\.open\(req, res\)/],
  ['ws', /sess\.read\(request\)/],
])('a %s context is told how to get the session', async (type, advice) => {
  const context = new ExecutionContextHost([{}, {}])
  context.setType(type)
  const Guard = SessionGuard<Visitor>('user')
  const app = await start('express', {
    imports: [SessModule.forRoot(() => new Backend().sess)],
    providers: [Guard],
  })
  await expect(app.get(Guard).canActivate(context)).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringMatching(advice),
  })
})
