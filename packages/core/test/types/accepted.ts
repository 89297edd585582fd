/** Programs that must compile, by what each one shows. */
export type Accepted = Readonly<Record<string, string>>

/** The start of every program. */
export const PRELUDE = `
import { sessions, SessError } from '@sess/core'
import type { AnyData, CoreOptions, Data, Exchange, Headers as Headers_, Json, NodeRequest, NodeResponse, Session, SessionCookie, Sessions } from '@sess/core'
import type { Adapter, Store } from '@sess/core/adapter'
declare const secret: string | undefined
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(isSame: Same<A, B>): void
`

/** The start of programs that use a session. */
export const SESSION = `
interface Item { id: string; quantity: number; tags?: string[] }
interface Shop { userId?: number; visits: number; notice?: string; cart?: Item[]; theme?: 'dark' | 'light' }
declare const sess: Sessions<Shop>
declare const session: Session<Shop>
`

const MEMORY = `import memory from '@sess/adapter-memory'\n`
const COOKIE = `import cookie from '@sess/adapter-cookie'\n`

const START: Accepted = {
  'the data and the options of an adapter by name': `
    const sess: Sessions<{ userId?: number }> = sessions('memory', { secret, maxEntries: 5, scope: 'x' })`,
  'the cookie store, by name and without one': `
    const named: Sessions<{ userId?: number }> = sessions('cookie', { secret, maxBytes: 2000 })
    const unnamed: Sessions<{ userId?: number }> = sessions({ secret })`,
  "all of core's options": `
    sessions('memory', {
      secret: ['new', secret, undefined] as const, idleTimeout: '30m', absoluteTimeout: 1000, onConflict: 'overwrite',
      cookie: { name: 'a', secure: true, sameSite: 'none', domain: 'b.c', path: '/', partitioned: true, persistent: true, prefix: false },
      from: new URL('file:///x'), accept: ['atomic'], onError: (error: unknown) => void error, clock: () => 1,
    })`,
  'an owner: a key that holds a number or a string': `
    type Visitor = { userId?: number; email?: string | null; either?: 1 | 'a'; cart?: string[]; admin?: boolean }
    const one: Sessions<Visitor> = sessions('memory', { secret, owner: 'userId', maxPerOwner: 3, maxEntries: 5 })
    const two: Sessions<Visitor> = sessions('memory', { secret, owner: 'email' })
    const three: Sessions<Visitor> = sessions('memory', { secret, owner: 'either' })
    sessions('memory', { secret, owner: 'any key of untyped data' })
    sessions<Visitor>('memory', { secret, owner: 'userId' })`,
  'the timeouts of remembered sessions': `
    sessions('memory', { secret, remember: { idleTimeout: '30d', absoluteTimeout: 1 } })
    sessions('memory', { secret, remember: {} })`,
  'off, alone or with the options that go with on': `
    const alone: Sessions<{ a?: string }> = sessions(false)
    const sess: Sessions<{ a?: string }> = sessions(false, { secret, url: 'x' })`,
  'on or off, as is decided at run time': `
    declare const on: boolean
    declare const name: string | undefined
    const known: Sessions<{ a?: string }> = sessions(on ? 'memory' : false, { secret, maxEntries: 5 })
    const unknown: Sessions<{ a?: string }> = sessions(name ?? false, { secret, url: 'x' })
    const either: Sessions<{ a?: string }> = sessions(on && { secret })`,
  'a name that is known at run time alone, with any options': `
    declare const name: string
    const sess: Sessions<{ a?: string }> = sessions(name, { secret, url: 'x', depth: [1], idleTimeout: '1h' })`,
  'one of several names, with the options of any': `
    declare const name: 'memory' | 'cookie'
    const sess: Sessions<{ a?: string }> = sessions(name, { secret, maxEntries: 5 })`,
  'the data alone, as a type argument': `
    sessions<{ a?: string }>('memory', { secret, maxEntries: 5 })
    sessions<{ a?: string }>({ secret })
    sessions<{ a?: string }>(false)`,
  'no data': `
    const sess = sessions('memory', { secret })
    same<typeof sess, Sessions<AnyData>>(true)`,
  'an adapter, with its options': `${MEMORY}${COOKIE}
    const one: Sessions<{ a?: string }> = sessions(memory, { secret, maxEntries: 5 })
    const other: Sessions<{ a?: string }> = sessions(cookie, { secret })`,
  'a function as adapter': `${MEMORY}
    const untyped: Sessions<{ a?: string }> = sessions((_, context) => memory({}, context), { secret })
    const typed: Sessions<{ a?: string }> = sessions((options: { url: string }, context) => memory({}, context), { secret, url: 'x' })
    const none: Sessions<{ a?: string }> = sessions((_: object, context) => memory({}, context), { secret })
    const mine: Adapter<{ url: string; depth?: number }> = (options, context) => memory({}, context)
    const named: Sessions<{ a?: string }> = sessions(mine, { secret, url: 'x' })`,
  'a store': `
    declare const store: Store
    const sess: Sessions<{ a?: string }> = sessions(store, { secret, idleTimeout: '1h' })`,
  "a stranger's adapter, which merged its options": `
    interface FooOptions { url: string; depth?: number }
    declare module '@sess/core' { interface Adapters { foo: FooOptions; '@acme/sessions': { token: string } } }
    const foo: Sessions<{ a?: string }> = sessions('foo', { secret, url: 'x', idleTimeout: '1h' })
    const acme: Sessions<{ a?: string }> = sessions('@acme/sessions', { secret, token: 'x' })`,
  'a store written by its author': `
    import { flag, integer, optional, readOptions, serverStore, type ServerStore, text } from '@sess/core/adapter'
    interface FooOptions { readonly url: string; readonly depth?: number | undefined }
    const foo: Adapter<FooOptions> = (options, context) => {
      const read = readOptions('foo', options, { url: text(), depth: optional(integer(), 3), fast: optional(flag) })
      same<typeof read, { readonly url: string; readonly depth: number; readonly fast: boolean | undefined }>(true)
      same<ReturnType<typeof context.keys>, readonly Uint8Array[]>(true)
      return serverStore({
        name: 'foo', maxBytes: read.depth, deadline: 1000, lacks: ['retention'],
        create: async () => 'version', read: async () => null, update: async () => null,
        destroy: async () => undefined, close: async () => undefined,
      })
    }
    export default foo`,
}

const DATA: Accepted = {
  'data of every kind that JSON carries': `
    enum Size { small, large }
    interface Address { street: string; lines?: readonly string[]; geo: [number, number] | null }
    interface Tree { value: string; children: Tree[]; parent?: Tree | null }
    type Linked = { next: Linked | null }
    interface Preferences { theme?: string; size?: Size }
    /** It has the fields of an Error. */
    interface Contact { name: string; message: string; stack?: string }
    interface Loose { anything: any }
    type UserId = string & { readonly brand: 'UserId' }
    type Step = { kind: 'cart'; items: string[] } | { kind: 'paid'; total: number }
    const sess: Sessions<{
      text?: string; count: number; maybe: string | undefined; perhaps?: string | undefined; flag?: boolean; none?: null; union?: 'a' | 1 | null; step?: Step; id?: UserId
      address?: Address; addresses?: Address[]; byId?: Record<string, Address>; byNumber?: { [id: number]: Address }
      tree?: Tree; linked?: Linked; preferences?: Preferences; contact?: Contact; loose?: Loose; any?: any
      json?: Json; jsons?: Json[]; pair?: readonly [string, number?]; nested?: string[][]; readonly fixed?: string
    }> = sessions({ secret })`,
  'data as an interface or as a type alias': `
    interface AsInterface { a?: string; b: { c: number }[] }
    type AsAlias = { a?: string; b: { c: number }[] }
    const one: Sessions<AsInterface> = sessions({ secret })
    const other: Sessions<AsAlias> = sessions({ secret })`,
  'keys that other hashes stumble over': `
    const sess: Sessions<{ then?: string; toJSON?: number; constructor?: string; __proto__?: string; length?: number; id?: string }> = sessions({ secret })
    declare const session: Session<{ then?: string; toJSON?: number }>
    session.then = 'x'
    session.toJSON = 1`,
  'any data': `
    const sess: Sessions<any> = sessions({ secret })
    export const use = async (request: Request) => { (await sess.open(request))['anything'].at.all = 1 }`,
}

const USE: Accepted = {
  'reading, assigning and removing': `${SESSION}
    same<typeof session.visits, number | undefined>(true)
    same<typeof session.theme, 'dark' | 'light' | undefined>(true)
    session.userId = 1
    session.userId = undefined
    delete session.visits
    session.cart = [{ id: 'x', quantity: 1 }]
    session.cart?.push({ id: 'y', quantity: 2, tags: ['z'] })
    if ('notice' in session) session.notice satisfies string | undefined
    const { notice, ...others } = session
    const copy: Data<Shop> = { ...session }
    JSON.stringify(session)`,
  'update, with a function of the value or of a default': `${SESSION}
    const visits = session.update('visits', (n = 0) => n + 1)
    same<typeof visits, number | undefined>(true)
    session.update('notice', (notice) => (notice === undefined ? 'x' : undefined))
    session.update('notice', () => null)
    session.update('cart', (cart = []) => [...cart, { id: 'x', quantity: 1 }])
    session.update('theme', (theme) => { same<typeof theme, 'dark' | 'light' | undefined>(true); return 'dark' })`,
  'take, whose type is the value or nothing': `${SESSION}
    const notice = session.take('notice')
    same<typeof notice, string | undefined>(true)
    same<ReturnType<typeof session.save>, Promise<void>>(true)`,
  'regenerate, destroy and save': `${SESSION}
    session.regenerate()
    session.regenerate({ remember: true })
    session.regenerate({ remember: undefined })
    session.destroy()
    export const done: Promise<void> = session.save()`,
  'methods taken out of the session': `${SESSION}
    const { update, take } = session
    update('visits', (n = 0) => n + 1)
    take('notice')`,
  'a helper for some of the keys': `${SESSION}
    function greet(session: Session<{ notice?: string }>): string | undefined { session.notice = 'x'; return session.take('notice') }
    greet(session)`,
  'a session without declared data': `
    declare const session: Session<AnyData>
    session['x'] = { a: [1, null, 'b'] }
    session.update('x', (value) => (typeof value === 'number' ? value + 1 : 1))
    same<(typeof session)['x'], Json | undefined>(true)`,
  'read, which gives data or null': `${SESSION}
    declare const request: Request
    declare const node: NodeRequest
    export const seen = async () => [(await sess.read(request))?.notice, (await sess.read(node))?.visits] satisfies unknown[]`,
  'an exchange': `${SESSION}
    export const exchanged = async () => {
      const exchange: Exchange<Shop> = sess.exchange('cookie', { https: false })
      sess.exchange(null); sess.exchange(undefined, {})
      const of = (node: NodeRequest, request: Request) => [sess.exchange(node), sess.exchange(request, { https: true })]
      same<ReturnType<typeof of>, Exchange<Shop>[]>(true)
      const opened = await exchange.open()
      same<typeof opened, Session<Shop>>(true)
      exchange.discard()
      same<typeof exchange.needsCookie, boolean>(true)
      const cookie: SessionCookie | undefined = exchange.cookie
      if (cookie) { const { name, value, path, domain, httpOnly, secure, sameSite, maxAge, expires } = cookie; ({ name, value, path, domain, httpOnly, secure, sameSite, maxAge, expires }) }
      same<ReturnType<typeof exchange.failureHeaders>, Headers_>(true)
      const headers = new Headers()
      if (exchange.pending)
        for (const [name, value] of await exchange.commit(200, { vary: headers.get('vary') ?? undefined })) headers.append(name, value)
    }`,
  'a name for logs': `${SESSION}
    same<ReturnType<typeof sess.id>, string | undefined>(true)
    sess.id(session)
    const fresh: boolean = sess.isFresh(session, '10m')
    const until: Date | undefined = sess.expiresAt(session)`,
  'the sessions of an owner': `${SESSION}
    const owner = sess.owner(7)
    sess.owner('7')
    for (const { id, startedAt, lastUsedAt, expiresAt, data } of await owner.sessions()) {
      same<typeof id, string>(true)
      same<typeof startedAt, Date>(true)
      same<typeof data.theme, 'dark' | 'light' | undefined>(true)
    }
    const ended: number = await owner.revoke()
    await owner.revoke({ except: session })
    await owner.revoke({ id: 'x' })`,
  'a watch': `${SESSION}
    declare const req: NodeRequest
    const one: AbortSignal = await sess.watch(req)
    await sess.watch(new Request('http://a'), { every: '5s' })`,
  'the end of a session': `${SESSION}
    same<ReturnType<typeof sess.expiresAt>, Date | undefined>(true)
    sess.expiresAt(session)`,
  'changes that are dropped': `${SESSION}
    same<ReturnType<typeof sess.discard>, void>(true)
    sess.discard(session)`,
  'a fetch handler with the further arguments of a runtime': `${SESSION}
    interface Env { DB: string }
    interface Context { waitUntil(promise: Promise<unknown>): void }
    const plain = sess.fetch((request) => new Response(request.url))
    same<typeof plain, (request: Request) => Promise<Response>>(true)
    const worker = { fetch: sess.fetch(async (request, env: Env, context: Context) => {
      const session = await sess.open(request)
      context.waitUntil(session.save())
      return new Response(env.DB)
    }) }
    same<Parameters<typeof worker.fetch>, [request: Request, env: Env, context: Context]>(true)`,
  'errors by their code': `
    export const status = (error: unknown): 409 | 500 | 503 => (error instanceof SessError && error.code === 'CONFLICT' ? error.status : 500)`,
  'a client of tests that is logged in': `${SESSION}
    import { cookieFor } from '@sess/core/testing'
    const cookie: Promise<string> = cookieFor(sess, { userId: 1, cart: [{ id: 'x', quantity: 1 }] })
    cookieFor(sess, { visits: 1, notice: undefined }, { https: true })
    cookieFor(sessions({ secret }), { any: [{ thing: null }] })`,
}

export const ACCEPTED: Accepted = { ...START, ...DATA, ...USE }

/** Programs that need Node's types. */
export const ACCEPTED_ON_NODE: Accepted = {
  'a variable of the environment for the secret, and for the name with a default': `
    const sess: Sessions<{ a?: string }> = sessions(process.env['STORE'] ?? 'cookie', { secret: process.env['SECRET'], url: process.env['URL'] })`,
  "node's http, https and http2": `${SESSION}
    import http from 'node:http'
    import https from 'node:https'
    import http2 from 'node:http2'
    http.createServer(async (req, res) => { (await sess.open(req, res)).notice = 'x'; res.end() })
    https.createServer(async (req, res) => void (await sess.open(req, res)))
    http2.createServer(async (req, res) => void (await sess.open(req, res)))
    http2.createSecureServer({ allowHTTP1: true }, async (req, res) => void (await sess.open(req, res)))
    http.createServer().on('upgrade', async (req) => void (await sess.read(req)))
    export const handler = (req: NodeRequest, res: NodeResponse) => sess.open(req, res)`,
  'await using': `
    export const main = async () => { await using sess = sessions('memory', { secret }); sess.id }`,
  'the messages of diagnostics_channel': `
    import { subscribe, tracingChannel } from 'node:diagnostics_channel'
    import type { CommitMessage, ConflictMessage, EndMessage, LoginMessage, OpenMessage, StoreMessage } from '@sess/core'
    subscribe('sess.login', (message) => { const { id, previous } = message as LoginMessage; same<typeof previous, string | undefined>(true); id.at(0) })
    subscribe('sess.end', (message) => same<EndMessage['reason'], 'logout' | 'revoked' | 'limit' | 'expired'>(true))
    subscribe('sess.conflict', (message) => (message as ConflictMessage).key.at(0))
    const nothing = () => {}
    const rest = { end: nothing, asyncStart: nothing, error: nothing }
    tracingChannel<unknown, StoreMessage>('sess.store').subscribe({ ...rest, start: ({ call }) => same<typeof call, StoreMessage['call']>(true), asyncEnd: ({ store }) => store.at(0) })
    tracingChannel<unknown, CommitMessage>('sess.commit').subscribe({ ...rest, start: nothing, asyncEnd: ({ attempts = 0, bytes = 0, work }) => attempts + bytes + work.length })
    same<OpenMessage['outcome'], 'found' | 'none' | 'rotated' | 'foreign' | undefined>(true)`,
}

export const ACCEPTED_WITH_FRAMEWORKS: Accepted = {
  Express: `${SESSION}
    import express from 'express'
    express().get('/:id', async (req, res) => { (await sess.open(req, res)).notice = req.params.id; res.json({}) })`,
  Koa: `${SESSION}
    import Koa from 'koa'
    new Koa().use(async (ctx, next) => { ctx.body = (await sess.open(ctx.req, ctx.res)).take('notice'); await next() })`,
  Fastify: `${SESSION}
    import { fastify } from 'fastify'
    fastify().get('/', async (request, reply) => (await sess.open(request.raw, reply.raw)).visits)`,
  Hono: `${SESSION}
    import { Hono } from 'hono'
    const app = new Hono().get('/', async (c) => c.json((await sess.open(c.req.raw)).visits))
    export default { fetch: sess.fetch(app.fetch) }`,
}

/** Programs for an application with only core installed: an adapter that is absent takes any options. */
export const ACCEPTED_WITHOUT_ADAPTERS: Accepted = {
  ...DATA,
  ...USE,
  "an adapter's name, with any options": `
    const redis: Sessions<{ a?: string }> = sessions('redis', { secret, url: 'x', idleTimeout: '1h' })
    const memory: Sessions<{ a?: string }> = sessions('memory', { secret, maxEntries: 'x' })
    const cookie: Sessions<{ a?: string }> = sessions('cookie', { secret })
    const unnamed: Sessions<{ a?: string }> = sessions({ secret })
    const off: Sessions<{ a?: string }> = sessions(false)`,
  "a stranger's adapter, which merged its options": `
    declare module '@sess/core' { interface Adapters { foo: { url: string } } }
    const foo: Sessions<{ a?: string }> = sessions('foo', { secret, url: 'x' })`,
}
