import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { SessStore, type StoredData } from '@sess/express-session'
import express from 'express'
import session, { MemoryStore, type Store, type Session } from 'express-session'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Place, places, SECRET } from './support/backends.ts'
import { ask, type Reply } from './support/http.ts'

const HOUR = 60 * 60 * 1000

/** Two applications with one secret that share the sessions of a store, as two processes do. */
class Pair {
  readonly #ports: readonly number[]
  /** What a request to `/keep` waits for after its session was read, by the key that it will store. */
  readonly pauses: Map<string, () => Promise<unknown>>

  private constructor(ports: readonly number[], pauses: Map<string, () => Promise<unknown>>) {
    this.#ports = ports
    this.pauses = pauses
  }

  /** Closed when the test ends. */
  static async serve(stores: readonly [Store, Store], maxAge?: number): Promise<Pair> {
    const pauses = new Map<string, () => Promise<unknown>>()
    const ports = await Promise.all(stores.map((store) => listen(application(store, pauses, maxAge))))
    return new Pair(ports, pauses)
  }

  /** `app`: which of the two answers. */
  ask(route: string, cookie = '', app: 0 | 1 = 0): Promise<Reply> {
    return ask(this.#ports[app] ?? 0, route, cookie)
  }

  /** The cookie of a user who has logged in. */
  async login(): Promise<string> {
    const { cookie = '' } = await this.ask('POST /login')
    return cookie
  }

  async values(cookie: string, app: 0 | 1 = 0): Promise<Reply['body']> {
    return (await this.ask('GET /', cookie, app)).body
  }
}

/** Another library that tests use declares another type for `request.session`. */
function sessionOf(request: object): Session {
  const found: unknown = Reflect.get(request, 'session')
  if (isSession(found)) return found
  throw new Error('expected a session')
}

function isSession(value: unknown): value is Session {
  return typeof value === 'object' && value !== null && 'regenerate' in value
}

function application(store: Store, pauses: ReadonlyMap<string, () => Promise<unknown>>, maxAge?: number) {
  const app = express()
  const cookie = maxAge === undefined ? {} : { maxAge }
  app.use(session({ store, secret: SECRET, resave: false, saveUninitialized: false, cookie }))
  app.get('/', (req, res) => void res.json(Object.assign({}, req.session, { cookie: undefined })))
  app.post('/login', (req, res, next) => {
    sessionOf(req).regenerate((error: unknown) => {
      Object.assign(sessionOf(req), { user: 'ada' })
      if (error) next(error)
      else res.json({})
    })
  })
  app.post('/logout', (req, res, next) => {
    sessionOf(req).destroy((error: unknown) => {
      if (error) next(error)
      else res.json({})
    })
  })
  app.post('/count', ({ session: current }, res) => {
    const count = Number(Reflect.get(current, 'count') ?? 0) + 1
    res.json(Object.assign(current, { count }))
  })
  app.post('/keep/:key', async ({ session: current, params: { key } }, res) => {
    await pauses.get(key)?.()
    Object.assign(current, { [key]: true })
    res.json({})
  })
  return app
}

async function listen(app: express.Express): Promise<number> {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A place where so many wait for each other. */
function meeting(size: number): () => Promise<void> {
  let left = size
  const { promise, resolve } = deferred()
  return () => {
    if (--left === 0) resolve()
    return promise
  }
}

function deferred() {
  let settle: (() => void) | undefined
  const promise = new Promise<void>((resolve) => (settle = resolve))
  return { promise, resolve: () => settle?.() }
}

/** Stores two keys at once, through both applications: both have read the session before one is stored. */
async function storeTwoKeys(pair: Pair, cookie: string): Promise<readonly Reply[]> {
  const meet = meeting(2)
  for (const key of ['one', 'two']) pair.pauses.set(key, meet)
  return Promise.all([pair.ask('POST /keep/one', cookie, 0), pair.ask('POST /keep/two', cookie, 1)])
}

/** Logs out while another request has read the session and not stored it yet. Resolves with the other one's reply. */
async function logOutDuringWrite(pair: Pair, cookie: string): Promise<Reply> {
  const [hasRead, mayStore] = [deferred(), deferred()]
  pair.pauses.set('late', () => {
    hasRead.resolve()
    return mayStore.promise
  })
  const late = pair.ask('POST /keep/late', cookie, 1)
  await hasRead.promise
  await pair.ask('POST /logout', cookie, 0)
  mayStore.resolve()
  return late
}

const memoryPlace = async () => ({ adapter: 'memory', options: { scope: randomUUID() }, stop: async () => undefined })

type SharedPlace = Pick<Place, 'options' | 'stop'> & { readonly adapter: string }
const all: readonly (readonly [adapter: string, open: () => Promise<SharedPlace>])[] = [
  ['memory', memoryPlace],
  ...places.map(([adapter, open]) => [adapter, () => open(5000)] as const),
]

describe.each(all)('express-session over %s', (_, open) => {
  let place: SharedPlace
  beforeAll(async () => {
    place = await open()
  })
  afterAll(() => place.stop())

  function store(): SessStore {
    const opened = new SessStore(place.adapter, { ...place.options })
    onTestFinished(() => opened.close())
    return opened
  }

  const serve = (maxAge?: number) => Pair.serve([store(), store()], maxAge)

  it('finds a session that another application has stored', async () => {
    const pair = await serve()
    expect(await pair.values(await pair.login(), 1)).toEqual({ user: 'ada' })
  })

  it('gives a session another id at a login', async () => {
    const pair = await serve()
    const { cookie: before = '' } = await pair.ask('POST /count')
    const { cookie: after = '' } = await pair.ask('POST /login', before)
    expect(await pair.values(before)).toEqual({})
    expect(await pair.values(after)).toEqual({ user: 'ada' })
  })

  it('ends a session at a logout', async () => {
    const pair = await serve()
    const cookie = await pair.login()
    await pair.ask('POST /logout', cookie)
    expect(await pair.values(cookie, 1)).toEqual({})
  })

  it('counts each request of a visitor', async () => {
    const pair = await serve()
    const { cookie = '' } = await pair.ask('POST /count')
    for (let n = 2; n <= 10; n++) await pair.ask('POST /count', cookie, n % 2 === 0 ? 1 : 0)
    expect(await pair.values(cookie)).toEqual({ count: 10 })
  })

  it('keeps the keys of two requests at once', async () => {
    const pair = await serve()
    const cookie = await pair.login()
    await storeTwoKeys(pair, cookie)
    expect(await pair.values(cookie)).toEqual({ user: 'ada', one: true, two: true })
  })

  it('keeps the keys of twenty requests at once', async () => {
    const pair = await serve()
    const cookie = await pair.login()
    const keys = Array.from({ length: 20 }, (__, n) => `key${n}`)
    const meet = meeting(keys.length)
    for (const key of keys) pair.pauses.set(key, meet)
    await Promise.all(keys.map((key, n) => pair.ask(`POST /keep/${key}`, cookie, n % 2 === 0 ? 1 : 0)))
    expect(Object.keys(await pair.values(cookie)).toSorted()).toEqual(['user', ...keys].toSorted())
  })

  it('does not bring a session back that was logged out of during a write', async () => {
    const pair = await serve()
    const cookie = await pair.login()
    await logOutDuringWrite(pair, cookie)
    expect(await pair.values(cookie)).toEqual({})
  })

  it('answers the request that lost to a logout', async () => {
    const pair = await serve()
    expect(await logOutDuringWrite(pair, await pair.login())).toMatchObject({ status: 200 })
  })

  it('moves the end of a session that is used without a change', async () => {
    const [first, second] = [store(), store()]
    const pair = await Pair.serve([first, second], HOUR)
    const cookie = await pair.login()
    const sid = /s:(.*?)\./.exec(decodeURIComponent(cookie))?.[1] ?? ''
    const read = promisify<StoredData | null | undefined>((callback) => first.get(sid, callback))
    const soon = new Date(Date.now() + HOUR / 2).toISOString()
    const stored = await read()
    const halfOver = { ...stored, cookie: { ...stored?.cookie, expires: soon } }
    await promisify<void>((callback) => first.set(sid, halfOver, callback))()
    await pair.values(cookie)
    const expires = (await read())?.cookie.expires ?? ''
    expect(Date.parse(expires) - Date.parse(soon)).toBeGreaterThan(HOUR / 4)
  })
})

describe('express-session over its MemoryStore, for contrast', () => {
  const memoryStore = new MemoryStore()
  const serve = () => Pair.serve([memoryStore, memoryStore])

  it('loses a key of two requests at once', async () => {
    const pair = await serve()
    const cookie = await pair.login()
    await storeTwoKeys(pair, cookie)
    expect(Object.keys(await pair.values(cookie))).toHaveLength(2)
  })

  it('brings a session back that was logged out of during a write', async () => {
    const pair = await serve()
    const cookie = await pair.login()
    await logOutDuringWrite(pair, cookie)
    expect(await pair.values(cookie)).toEqual({ user: 'ada', late: true })
  })
})
