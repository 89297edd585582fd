import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { ask } from '../../scripts/servers/server.js'
import { Document } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { Visitor } from './support/visitor.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and starting processes on a busy machine. */
const PATIENCE = 60_000

const SORRY = 'Sorry, that did not work. Try again.'

interface Page {
  readonly page: string
  /** The name of the page's file that the test runs. */
  readonly file: string
  /** Files that serve what the page only exports; the first one is run. */
  readonly more?: Readonly<Record<string, string>>
  /** What its visitors see if the session cannot be opened or saved. Default: `SORRY`. */
  readonly sorry?: string
}

const PAGES: readonly Page[] = [
  { page: 'node-http', file: 'server.ts' },
  { page: 'express', file: 'server.ts' },
  { page: 'fastify', file: 'server.ts' },
  { page: 'koa', file: 'server.ts' },
  { page: 'nest', file: 'server.ts', sorry: 'The session is not available at the moment. Try again.' },
  { page: 'hono', file: 'server.ts' },
  {
    page: 'hono',
    file: 'worker.ts',
    more: {
      'runtime.ts': `import { serve } from '@hono/node-server'
        import worker from './worker.js'
        serve({ fetch: worker.fetch, port: 3000 })`,
    },
  },
]

const at = new Installation()
let redis: Redis
const programs = new Map<Page, PageProgram>()

const programOf = (page: Page): PageProgram => {
  const program = programs.get(page)
  if (program === undefined) throw new Error(`${page.page} was not started`)
  return program
}

const sorryOf = ({ sorry }: Page): unknown => (sorry === undefined ? SORRY : expect.stringContaining(sorry))

const visitorOf = (page: Page, cookie?: string): Visitor => new Visitor(programOf(page).origin, cookie)

/** A visitor with that many visits. */
async function regular(page: Page, visits: number): Promise<Visitor> {
  const visitor = visitorOf(page)
  for (let visit = 0; visit < visits; visit++) await visitor.get('/')
  return visitor
}

beforeAll(async () => {
  const modules = PAGES.flatMap(({ page, more = {} }) =>
    Object.entries({ ...new Document(`docs/frameworks/${page}.md`).files, ...more }).map(
      ([name, text]) => [`${page}/${name}`, text] as const,
    ),
  )
  expect(await compile(workspace(at), Object.fromEntries(modules))).toBe('')
  redis = await startRedis()
  const env = { SESSION_SECRET: 'a secret of the tests, of 32 bytes or more', REDIS_URL: redis.url }
  await Promise.all(
    PAGES.map(async (page) => {
      const [runtime = page.file] = Object.keys(page.more ?? {})
      programs.set(page, await PageProgram.start(at, `out/${page.page}/${runtime.replace('.ts', '.js')}`, env))
    }),
  )
}, PATIENCE)

afterAll(async () => {
  await Promise.all([...programs.values()].map((program) => program.stop()))
  await redis?.stop()
  at.remove()
})

describe.each(PAGES)('$page, $file', (page) => {
  test('counts the visits of each visitor', async () => {
    const [one, other] = [await regular(page, 2), visitorOf(page)]
    expect([(await one.get('/')).text, (await other.get('/')).text]).toEqual([
      'Visit number 3 of a stranger. ',
      'Visit number 1 of a stranger. ',
    ])
  })

  test('logs in with another cookie, keeps the visits, and shows the notice once', async () => {
    const visitor = await regular(page, 2)
    const before = visitor.cookie
    expect(await visitor.logIn('ada', 'lovelace')).toMatchObject({ status: 303, location: '/' })
    expect(visitor.cookie).not.toBe(before)
    expect((await visitor.get('/')).text).toBe('Visit number 3 of ada. Welcome, ada.')
    expect((await visitor.get('/')).text).toBe('Visit number 4 of ada. ')
  })

  test('logs nobody in with the cookie from before the login, and answers 409 to its changes', async () => {
    const visitor = await regular(page, 1)
    const thief = visitorOf(page, visitor.cookie)
    await visitor.logIn('ada', 'lovelace')
    expect(await thief.get('/')).toMatchObject({ status: 409, text: '409 Conflict\n' })
  })

  test.each([
    { name: 'ada', password: 'hopper' },
    { name: 'ada', password: '' },
    { name: 'nobody', password: 'lovelace' },
    {},
  ])('answers 401 to %j, and logs nobody in', async (form) => {
    const visitor = await regular(page, 1)
    expect(await visitor.post('/login', form)).toMatchObject({
      status: 401,
      text: expect.stringContaining('Wrong name or password.'),
    })
    expect((await visitor.get('/')).text).toBe('Visit number 2 of a stranger. ')
  })

  test('gives no data of one user to the next who logs in', async () => {
    const visitor = await regular(page, 2)
    await visitor.logIn('ada', 'lovelace')
    const before = visitor.cookie
    await visitor.logIn('grace', 'hopper')
    expect((await visitor.get('/')).text).toBe('Visit number 1 of grace. Welcome, grace.')
    expect(await visitorOf(page, before).get('/')).toMatchObject({ status: 409, text: '409 Conflict\n' })
  })

  test('logs out for good, and shows the notice once', async () => {
    const visitor = await regular(page, 2)
    await visitor.logIn('ada', 'lovelace')
    const before = visitor.cookie
    expect(await visitor.post('/logout')).toMatchObject({ status: 303, location: '/' })
    expect((await visitor.get('/')).text).toBe('Visit number 1 of a stranger. You are logged out.')
    expect((await visitor.get('/')).text).toBe('Visit number 2 of a stranger. ')
    expect(await visitorOf(page, before).get('/')).toMatchObject({ status: 409, text: '409 Conflict\n' })
  })

  test('answers 404 for any other page', async () => {
    expect((await visitorOf(page).get('/elsewhere')).status).toBe(404)
  })
})

test('nest: the test that the page shows passes', async () => {
  const { failed, stdout } = await at.node(['--test', 'out/nest/app.test.js'])
  expect(failed ? stdout : 'passed').toBe('passed')
})

describe('if the store refuses changes', () => {
  const visitors = new Map<Page, Visitor>()

  beforeAll(async () => {
    for (const page of PAGES) visitors.set(page, await regular(page, 1))
    // A replica whose master is unreachable serves reads and refuses writes.
    await ask(redis.port, 'REPLICAOF 127.0.0.1 1')
  })
  afterAll(() => ask(redis.port, 'REPLICAOF NO ONE'))

  test.each(PAGES)('$page, $file: the page becomes 503, and onError gets the error', async (page) => {
    const visitor = visitors.get(page) ?? visitorOf(page)
    expect(await visitor.get('/')).toMatchObject({ status: 503, text: '503 Service Unavailable\n' })
    await programOf(page).says('READONLY')
  })

  test.each(PAGES)(
    '$page, $file: a login that cannot be saved shows the error page of the program, and sets no cookie',
    async (page) => {
      const visitor = visitorOf(page)
      expect(await visitor.logIn('ada', 'lovelace')).toMatchObject({ status: 503, text: sorryOf(page) })
      expect(visitor.cookie).toBe('')
    },
  )

  test.each(PAGES)('$page, $file: a failed logout does not look like a success', async (page) => {
    const visitor = visitors.get(page) ?? visitorOf(page)
    expect(await visitor.post('/logout')).toMatchObject({ status: 503, location: null })
  })
})

describe('if the store is down', () => {
  const visitors = new Map<Page, Visitor>()

  beforeAll(async () => {
    for (const page of PAGES) visitors.set(page, await regular(page, 1))
    await redis.kill()
    for (const program of programs.values()) program.forget()
  })

  test.each(PAGES)('$page, $file: open fails, and the error page of the program is shown', async (page) => {
    const visitor = visitors.get(page) ?? visitorOf(page)
    expect(await visitor.get('/')).toMatchObject({ status: 503, text: sorryOf(page) })
    await programOf(page).says('SessError')
  })

  test.each(PAGES)('$page, $file: a new visitor gets 503, not a count of visits', async (page) => {
    expect(await visitorOf(page).get('/')).toMatchObject({ status: 503, text: '503 Service Unavailable\n' })
  })

  test.each(PAGES)('$page, $file: a page that needs no session is still answered', async (page) => {
    expect((await visitorOf(page).get('/elsewhere')).status).toBe(404)
  })
})
