import type { Session } from '@sess/core'
import { CurrentSession, SessionGuard, SessModule } from '@sess/nest'
import { type ArgumentsHost, Catch, type ExceptionFilter, Header, UseFilters, UseGuards, Logger } from '@nestjs/common'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  Backend,
  Browser,
  controller,
  type Handler,
  type Platform,
  PLATFORMS,
  start,
  unavailable,
  type Visitor,
} from './site.ts'

const COUNT: Handler = {
  path: '/count',
  parameters: [CurrentSession()],
  handle: (session: Session<Visitor>) => String(session.update('visits', (n = 0) => n + 1)),
}

const LOG_IN: Handler = {
  path: '/login',
  parameters: [CurrentSession()],
  handle: (session: Session<Visitor>) => (session.user = 'ada'),
}

const ACCOUNT: Handler = {
  path: '/account',
  parameters: [CurrentSession()],
  decorators: [UseGuards(SessionGuard<Visitor>('user'))],
  handle: (session: Session<Visitor>) => session.user,
}

/** Changes what another request changes while this one runs. */
function race(save: boolean): { readonly handler: Handler; rival: () => Promise<unknown> } {
  const made = {
    rival: async (): Promise<unknown> => undefined,
    handler: {
      path: '/race',
      parameters: [CurrentSession()],
      async handle(session: Session<Visitor>) {
        const { visits = 0 } = session
        await made.rival()
        session.visits = visits + 1
        if (save) await session.save()
        return 'done'
      },
    },
  }
  return made
}

/** Answers by itself, to what `type` names. */
function filterOf(answer: string): ExceptionFilter {
  class Filter implements ExceptionFilter {
    catch(_error: unknown, host: ArgumentsHost): void {
      const response: { status: (code: number) => { send: (text: string) => void } } = host.switchToHttp().getResponse()
      response.status(418).send(answer)
    }
  }
  Catch()(Filter)
  return new Filter()
}

describe.each(Object.keys(PLATFORMS) as Platform[])('on %s', (platform) => {
  const startWith = (backend: Backend, ...handlers: readonly Handler[]) =>
    start(platform, { imports: [SessModule.forRoot(backend.sess)], controllers: [controller(handlers)] })

  describe('a handler', () => {
    test('gets the session, which is stored before the answer', async () => {
      const browser = new Browser(await startWith(new Backend(), COUNT))
      expect([(await browser.get('/count')).text, (await browser.get('/count')).text]).toEqual(['1', '2'])
    })

    test('that takes no session leaves it unread', async () => {
      const backend = new Backend()
      const browser = new Browser(await startWith(backend, COUNT, { path: '/plain', handle: () => 'plain' }))
      await browser.get('/count')
      backend.calls.length = 0
      await browser.get('/plain')
      expect(backend.calls).toEqual([])
    })

    test('gets the session that its guard has read, which is read once', async () => {
      const backend = new Backend()
      const browser = new Browser(await startWith(backend, LOG_IN, ACCOUNT))
      await browser.get('/login')
      backend.calls.length = 0
      expect(await browser.get('/account')).toEqual({ status: 200, text: 'ada' })
      expect(backend.calls).toEqual(['read'])
    })

    test('keeps its own headers beside the session', async () => {
      const app = await startWith(new Backend(), { ...COUNT, decorators: [Header('x-own', 'kept')] })
      const { headers } = await fetch(`${await app.getUrl()}/count`)
      expect([headers.get('x-own'), headers.getSetCookie().length]).toEqual(['kept', 1])
    })
  })

  test('a guard answers 401 to who has no such key', async () => {
    const browser = new Browser(await startWith(new Backend(), COUNT, ACCOUNT))
    await browser.get('/count')
    const { status, text } = await browser.get('/account')
    expect([status, JSON.parse(text)]).toEqual([401, { statusCode: 401, message: 'Unauthorized' }])
  })

  describe('a request that lost a conflict', () => {
    async function lose(save: boolean) {
      const lost = race(save)
      const app = await startWith(new Backend(), COUNT, lost.handler)
      const browser = new Browser(app)
      await browser.get('/count')
      const rival = new Browser(app, browser.cookie)
      lost.rival = () => rival.get('/count')
      return browser.get('/race')
    }

    test('is answered with 409 by the filter, if it saves', async () => {
      const { status, text } = await lose(true)
      const body = { statusCode: 409, error: 'Conflict', message: expect.stringContaining('Try again.') }
      expect([status, JSON.parse(text)]).toEqual([409, body])
    })

    test('is answered with 409 below Nest, if it does not', async () => {
      expect(await lose(false)).toEqual({ status: 409, text: '409 Conflict\n' })
    })
  })

  describe('if the store is down', () => {
    async function visitBroken(path: string) {
      const backend = new Backend()
      const browser = new Browser(await startWith(backend, COUNT, LOG_IN, ACCOUNT))
      await browser.get('/login')
      backend.fails = unavailable()
      return browser.get(path)
    }

    test.each(['/count', '/account'])('%s is answered with 503, and does not say where the store is', async (path) => {
      const { status, text } = await visitBroken(path)
      const message = 'The session is not available at the moment. Try again.'
      expect([status, JSON.parse(text)]).toEqual([503, { statusCode: 503, error: 'Service Unavailable', message }])
    })

    test('the log gets the reason of a 503', async () => {
      const logged = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined)
      onTestFinished(() => logged.mockRestore())
      await visitBroken('/account')
      expect(logged).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'UNAVAILABLE' }))
    })

    test('a new visitor, whose session cannot be stored, is answered with 503', async () => {
      const backend = new Backend()
      backend.fails = unavailable()
      const browser = new Browser(await startWith(backend, COUNT))
      expect(await browser.get('/count')).toEqual({ status: 503, text: '503 Service Unavailable\n' })
    })

    test.each<[string, (filter: ExceptionFilter) => Promise<Browser>]>([
      [
        "the controller's",
        async (filter) => {
          const controllers = [controller([COUNT], UseFilters(filter))]
          return new Browser(await start(platform, { imports: [SessModule.forRoot(broken().sess)], controllers }))
        },
      ],
      [
        "the application's",
        async (filter) => {
          const metadata = { imports: [SessModule.forRoot(broken().sess)], controllers: [controller([COUNT])] }
          return new Browser(await start(platform, metadata, (app) => app.useGlobalFilters(filter)))
        },
      ],
    ])('%s own filter comes first', async (_, visitorOf) => {
      const browser = await visitorOf(filterOf('mine'))
      browser.cookie = await aCookie()
      expect(await browser.get('/count')).toEqual({ status: 418, text: 'mine' })
    })
  })

  test('a mistake of the program is a 500 that says nothing', async () => {
    const mistake: Handler = {
      path: '/mistake',
      parameters: [CurrentSession()],
      handle: (session: Session<Visitor>) => Reflect.set(session, 'visits', new Map()),
    }
    const { status, text } = await new Browser(await startWith(new Backend(), mistake)).get('/mistake')
    expect([status, JSON.parse(text)]).toEqual([500, { statusCode: 500, message: 'Internal server error' }])
  })
})

function broken(): Backend {
  const backend = new Backend()
  backend.fails = unavailable()
  return backend
}

/** A cookie that has to be looked up in a store. */
async function aCookie(): Promise<string> {
  const { sess } = new Backend()
  const exchange = sess.exchange(undefined, { https: false })
  const session = await exchange.open()
  session.visits = 1
  const headers = await exchange.commit(200)
  return headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0] ?? ''
}
