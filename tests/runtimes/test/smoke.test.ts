import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { startMemcached } from '../../../scripts/servers/memcached.js'
import { startRedis } from '../../../scripts/servers/redis.js'
import { ask } from '../../support/http.ts'

declare module 'vitest' {
  interface ProvidedContext {
    folder: string
  }
}

const BIN = fileURLToPath(new URL('../node_modules/.bin/', import.meta.url))
const COMMANDS = { Bun: [join(BIN, 'bun')], Deno: [join(BIN, 'deno'), 'run', '--allow-all'] } as const
const BINDINGS = ['node', 'fetch'] as const
const STORES = ['cookie', 'memory', 'redis', 'memcache', 'sqlite'] as const

type Runtime = keyof typeof COMMANDS
type Binding = (typeof BINDINGS)[number]
type Store = (typeof STORES)[number]

/** An application on a runtime, with one visitor. */
class Application {
  readonly #launch: () => ChildProcess
  #child: ChildProcess
  #errors = ''
  #port = 0
  cookie = ''

  private constructor(launch: () => ChildProcess) {
    this.#launch = launch
    this.#child = launch()
  }

  static async start(runtime: Runtime, ...args: readonly string[]): Promise<Application> {
    const [program, ...before] = COMMANDS[runtime]
    const cwd = inject('folder')
    const application = new Application(() =>
      spawn(program, [...before, 'application.js', ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] }),
    )
    await application.#listen()
    return application
  }

  async #listen(): Promise<void> {
    const { stdout, stderr } = this.#child
    if (stdout === null || stderr === null) throw new Error('The application has no output.')
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    const [line]: readonly unknown[] = await Promise.race([once(stdout, 'data'), once(this.#child, 'close')])
    this.#port = Number(line)
    if (!(line instanceof Buffer)) throw new Error(`The application ended before it listened: ${this.#errors}`)
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  async restart(): Promise<void> {
    await this.stop()
    this.#child = this.#launch()
    await this.#listen()
  }

  async visit(path: string, cookie: string = this.cookie): Promise<unknown> {
    const reply = await ask(this.#port, `GET ${path}`, cookie)
    this.cookie = reply.cookie ?? this.cookie
    return reply.status === 200 ? reply.body : reply.status
  }
}

let redis: Awaited<ReturnType<typeof startRedis>>
let memcached: Awaited<ReturnType<typeof startMemcached>>

beforeAll(async () => {
  ;[redis, memcached] = await Promise.all([startRedis(), startMemcached()])
})

afterAll(() => Promise.all([redis.stop(), memcached.stop()]))

const OPTIONS: Readonly<Record<Store, (scope: string) => object>> = {
  cookie: () => ({}),
  memory: () => ({}),
  redis: () => ({ url: redis.url }),
  memcache: () => ({ servers: memcached.address }),
  sqlite: (scope) => ({ file: `${scope}.sqlite` }),
}

const runtimes = Object.keys(COMMANDS) as Runtime[]

/** Each runtime with each binding and each store, except the excluded ones. */
function casesWithout(...excluded: readonly Store[]): readonly (readonly [Runtime, Binding, Store])[] {
  const stores = STORES.filter((store) => !excluded.includes(store))
  return runtimes.flatMap((runtime) =>
    BINDINGS.flatMap((binding) => stores.map((store) => [runtime, binding, store] as const)),
  )
}

let application: Application

async function start(runtime: Runtime, binding: Binding, store: Store): Promise<void> {
  const options = OPTIONS[store](`${runtime}-${binding}`)
  application = await Application.start(runtime, binding, store, JSON.stringify(options))
}

afterEach(() => application.stop())

describe.each(casesWithout())('on %s, bound by %s, the %s store', (...which) => {
  beforeEach(() => start(...which))

  it('keeps a session from one request to the next, moves it at login, and ends it at logout', async () => {
    const counts = [await application.visit('/increment'), await application.visit('/increment')]
    expect([...counts, await application.visit('/')]).toEqual([{ count: 1 }, { count: 2 }, { count: 2 }])
    const before = application.cookie
    expect(await application.visit('/login')).toEqual({ count: 2 })
    expect(application.cookie).not.toBe(before)
    expect(await application.visit('/')).toEqual({ count: 2 })
    expect(await application.visit('/logout')).toEqual({})
    expect(application.cookie).toBe('')
  })

  it('begins an empty session for a cookie that was altered', async () => {
    await application.visit('/increment')
    const [name, value = ''] = application.cookie.split('=')
    const altered = (value.startsWith('A') ? 'B' : 'A') + value.slice(1)
    expect(await application.visit('/', `${name}=${altered}`)).toEqual({})
  })
})

describe.each(casesWithout('cookie'))('on %s, bound by %s, the %s store', (...which) => {
  beforeEach(() => start(...which))

  it('merges what 20 requests count at once', async () => {
    await application.visit('/increment')
    await Promise.all(Array.from({ length: 20 }, () => application.visit('/increment')))
    expect(await application.visit('/')).toEqual({ count: 21 })
  })

  it('ends a session for every copy of its cookie', async () => {
    await application.visit('/increment')
    const { cookie } = application
    await application.visit('/logout')
    expect(await application.visit('/', cookie)).toEqual({})
  })
})

describe.each(casesWithout('memory'))('on %s, bound by %s, the %s store', (...which) => {
  beforeEach(() => start(...which))

  it('keeps a session over a restart of the process', async () => {
    await application.visit('/increment')
    await application.restart()
    expect(await application.visit('/')).toEqual({ count: 1 })
  })
})

describe.each(runtimes)('on %s', (runtime) => {
  it('answers 503 while Redis is away, and goes on when it is back', async () => {
    await start(runtime, 'node', 'redis')
    await application.visit('/increment')
    await redis.kill()
    expect(await application.visit('/increment')).toBe(503)
    await redis.restart()
    application.cookie = ''
    await expect.poll(() => application.visit('/increment'), { timeout: 5000 }).toEqual({ count: 1 })
  })
})
