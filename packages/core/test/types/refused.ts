/** Programs that must not compile: the fault, the last line, and part of the compiler's message. */
export type Refused = readonly (readonly [fault: string, line: string, says: string])[]

const options = (line: string) => `const sess: Sessions<{ a?: string }> = sessions(${line})`
const data = (type: string) => `export let sess: Sessions<${type}>`
const CLASS = `class User { name = ''; greet() {} } `

const NARROWER = '"JSON cannot carry this: name a narrower type"'
const TEXT = '"JSON cannot carry this: store a string or a number"'
const METHODS = '"JSON cannot carry an object with methods: store what it is made of"'

const visitor = (line: string) =>
  `const sess: Sessions<{ userId?: number; cart?: string[]; admin?: boolean }> = sessions(${line})`

export const REFUSED_OPTIONS: Refused = [
  [
    'an owner that is no key of the session',
    visitor(`'memory', { secret, owner: 'user' }`),
    `Type '"user"' is not assignable to type '"userId"'`,
  ],
  [
    'an owner whose key holds an array',
    visitor(`'memory', { secret, owner: 'cart' }`),
    `Type '"cart"' is not assignable to type '"userId"'`,
  ],
  [
    'an owner whose key holds true or false',
    visitor(`'memory', { secret, owner: 'admin' }`),
    `Type '"admin"' is not assignable to type '"userId"'`,
  ],
  [
    "an adapter's option misspelt",
    options(`'memory', { secret, maxEntriez: 5 }`),
    `& MemoryOptions'. Did you mean to write 'maxEntries'?`,
  ],
  [
    "an adapter's option of the wrong type",
    options(`'memory', { secret, maxEntries: '5' }`),
    `Type 'string' is not assignable to type 'number'`,
  ],
  [
    "an adapter's option misspelt, of sessions that may be off",
    `declare const on: boolean; ${options(`on ? 'memory' : false, { secret, maxEntriez: 5 }`)}`,
    `Did you mean to write 'maxEntries'?`,
  ],
  [
    "another adapter's option",
    options(`'cookie', { secret, maxEntries: 5 }`),
    `'maxEntries' does not exist in type 'CoreOptions`,
  ],
  ["core's option misspelt", options(`'memory', { secret, idleTimout: '1h' }`), `Did you mean to write 'idleTimeout'?`],
  [
    "core's option misspelt, with the cookie store",
    options(`'cookie', { secret, idleTimout: '1h' }`),
    `Did you mean to write 'idleTimeout'?`,
  ],
  [
    "core's option misspelt, without a name",
    options(`{ secret, idleTimout: '1h' }`),
    `Did you mean to write 'idleTimeout'?`,
  ],
  [
    "core's option of the wrong type",
    options(`'memory', { secret, idleTimeout: true }`),
    `Type 'true' is not assignable to type 'Duration`,
  ],
  [
    "core's option of the wrong type, with a name known only at run time",
    options(`secret ?? 'x', { secret, idleTimeout: true }`),
    `Type 'true' is not assignable to type 'Duration`,
  ],
  [
    "core's option of the wrong type, with data as a type argument",
    `sessions<{ a?: string }>('memory', { secret, idleTimeout: true })`,
    `Type 'true' is not assignable to type 'Duration`,
  ],
  [
    'a duration in words',
    options(`'memory', { secret, idleTimeout: '1 hour' }`),
    `'"1 hour"' is not assignable to type 'Duration`,
  ],
  [
    "a cookie's option misspelt",
    options(`'memory', { secret, cookie: { nmae: 'x' } }`),
    `'nmae' does not exist in type 'CookieOptions'`,
  ],
  [
    "a cookie's option of the wrong type",
    options(`'memory', { secret, cookie: { sameSite: 'Lax' } }`),
    `"Lax"' is not assignable to type '"lax" | "none" | "strict"`,
  ],
  ['no secret', options(`'memory', { maxEntries: 5 }`), `Property 'secret' is missing`],
  ['no secret, without a name', options('{}'), `Argument of type '{}' is not assignable`],
  ['no options', options(`'memory'`), `Argument of type '"memory"' is not assignable`],
  ['no arguments', options(''), 'Expected 1-2 arguments, but got 0'],
  [
    'a name that may be undefined',
    options('secret, { secret }'),
    `Type 'undefined' is not assignable to type 'NameOrStore'`,
  ],
  [
    'undefined for a name',
    options('undefined, { secret }'),
    `type 'undefined' is not assignable to parameter of type 'NameOrStore'`,
  ],
  ['null for a name', options('null, { secret }'), `type 'null' is not assignable to parameter of type 'NameOrStore'`],
  ['true for a name', options('true, { secret }'), `type 'true' is not assignable to parameter of type 'NameOrStore'`],
  ['a number for a name', options('5, { secret }'), `type '5' is not assignable to parameter of type 'NameOrStore'`],
  [
    'an option misspelt, of an adapter given as a function',
    `import memory from '@sess/adapter-memory'; ${options('memory, { secret, maxEntriez: 5 }')}`,
    `Did you mean to write 'maxEntries'?`,
  ],
  [
    'an option of the wrong type, of an adapter given as a function',
    `import memory from '@sess/adapter-memory'; ${options(`memory, { secret, maxEntries: '5' }`)}`,
    `Type 'string' is not assignable to type 'number'`,
  ],
  [
    "core's option misspelt, with an adapter given as a function",
    `import cookie from '@sess/adapter-cookie'; ${options(`cookie, { secret, idleTimout: '1h' }`)}`,
    `Did you mean to write 'idleTimeout'?`,
  ],
  [
    'an option missing, of an adapter given as a function',
    `declare const foo: Adapter<{ url: string }>; ${options('foo, { secret }')}`,
    `Property 'url' is missing`,
  ],
  [
    'an option misspelt, of a function',
    `declare const store: Store; ${options(`(_: { url: string }) => store, { secret, urk: 'x' }`)}`,
    `& { url: string; }'`,
  ],
  [
    'an adapter that is async',
    `declare const store: Store; ${options('async () => store, { secret }')}`,
    `Type 'Promise<Store>' is not assignable to type 'Store'`,
  ],
  [
    'an adapter that makes no store',
    options('() => ({ contract: 1 }), { secret }'),
    `is missing the following properties from type 'ServerStore'`,
  ],
  [
    'a store that lacks methods',
    options(`{ contract: 1, kind: 'client' as const, name: 'x', maxBytes: 1 }, { secret }`),
    `is missing the following properties from type 'ClientStore': seal, open`,
  ],
  [
    'an adapter option with a store',
    `declare const store: Store; ${options('store, { secret, maxEntries: 5 }')}`,
    `'maxEntries' does not exist in type 'CoreOptions`,
  ],
  [
    "a stranger's option misspelt",
    `declare module '@sess/core' { interface Adapters { bar: { path: string } } } ${options(`'bar', { secret, paht: 'x' }`)}`,
    `& { path: string; }'`,
  ],
]

export const REFUSED_DATA: Refused = [
  ...['update', 'take', 'regenerate', 'destroy', 'save'].map(
    (key) =>
      [
        `the reserved key ${key}`,
        data(`{ ${key}?: string }`),
        `"'${key}' is a method of every session: choose another key"`,
      ] as const,
  ),
  ['a number as a key', data('{ 1?: string }'), '"a session has strings as keys"'],
  [
    'a symbol as a key',
    `declare const key: unique symbol; ${data('{ [key]?: string }')}`,
    '"a session has strings as keys"',
  ],
  [
    'a symbol as a key, deep inside',
    `declare const key: unique symbol; ${data('{ a?: { b: { [key]: string } } }')}`,
    '"JSON cannot carry symbols as keys"',
  ],
  ['a Date', data('{ when?: Date }'), METHODS],
  ['a Date in a union', data('{ when: Date | string | null }'), METHODS],
  ['a Date, deep inside', data('{ orders?: { items: { when: Date }[] }[] }'), METHODS],
  [
    'a Date, in a recursive type',
    `interface Tree { when: Date; children: Tree[] } ${data('{ tree?: Tree }')}`,
    METHODS,
  ],
  ['a Map', data('{ map?: Map<string, string> }'), METHODS],
  ['a ReadonlyMap', data('{ map?: ReadonlyMap<string, string> }'), METHODS],
  ['a Set', data('{ set?: Set<string> }'), METHODS],
  ['a WeakMap', data('{ map?: WeakMap<object, string> }'), METHODS],
  ['a promise', data('{ soon?: Promise<string> }'), METHODS],
  ['a RegExp', data('{ pattern?: RegExp }'), METHODS],
  ['a URL', data('{ url?: URL }'), METHODS],
  ['bytes', data('{ bytes?: Uint8Array }'), METHODS],
  ['an instance of a class', `${CLASS}${data('{ user?: User }')}`, METHODS],
  ['an instance of a class, deep inside', `${CLASS}${data('{ users: Record<string, User[]> }')}`, METHODS],
  ['an object with an optional method', data('{ a?: { toJSON?(): string; b: string } }'), METHODS],
  ['a function', data('{ call?: () => void }'), TEXT],
  ['a class', `${CLASS}${data('{ type?: typeof User }')}`, TEXT],
  ['a bigint', data('{ big?: bigint }'), TEXT],
  ['a bigint, in an array', data('{ bigs?: bigint[] }'), TEXT],
  ['a symbol', data('{ symbol?: symbol }'), TEXT],
  ['unknown', data('{ a?: unknown }'), NARROWER],
  ['unknown, deep inside', data('{ a?: Record<string, unknown> }'), NARROWER],
  ['any object', data('{ a?: object }'), NARROWER],
  ['an empty object type', data('{ a?: {} }'), NARROWER],
  [
    'undefined in an array',
    data('{ a?: (string | undefined)[] }'),
    `Type 'undefined' is not assignable to type 'string'`,
  ],
  [
    'undefined that must be there, deep inside',
    data('{ a?: { b: string | undefined } }'),
    `Type 'undefined' is not assignable to type 'string'`,
  ],
  ['a string instead of data', data('string'), `Type 'string' does not satisfy the constraint`],
  ['an array instead of data', data('string[]'), '"a session has strings as keys"'],
  ['a Date, in data as a type argument', `sessions<{ when?: Date }>({ secret })`, METHODS],
]

export const REFUSED_USE: Refused = [
  [
    'an unknown key read',
    'session.vists',
    `Property 'vists' does not exist on type 'Session<Shop>'. Did you mean 'visits'?`,
  ],
  ['an unknown key assigned', `session.unknown = 'x'`, `Property 'unknown' does not exist on type 'Session<Shop>'`],
  ['a value of the wrong type', `session.visits = '1'`, `Type 'string' is not assignable to type 'number'`],
  ['a value beyond the union', `session.theme = 'blue'`, `Type '"blue"' is not assignable to type '"dark" | "light"`],
  ['a value that may not be there', 'session.visits + 1', `'session.visits' is possibly 'undefined'`],
  ...['update', 'take', 'regenerate', 'destroy', 'save'].map(
    (key) =>
      [
        `the method ${key} assigned`,
        `session.${key} = () => undefined`,
        `Cannot assign to '${key}' because it is a read-only property`,
      ] as const,
  ),
  [
    'the method save deleted',
    'delete session.save',
    `The operand of a 'delete' operator cannot be a read-only property`,
  ],
  ['update of an unknown key', `session.update('vists', () => 1)`, `'"vists"' is not assignable to parameter of type`],
  ['update of a method', `session.update('save', () => 1)`, `'"save"' is not assignable to parameter of type`],
  [
    'update to the wrong type',
    `session.update('visits', () => 'x')`,
    `Type 'string' is not assignable to type 'number'`,
  ],
  [
    'update to a promise',
    `session.update('visits', async () => 1)`,
    `Type 'Promise<number>' is not assignable to type 'number'`,
  ],
  ['update of a value that may not be there', `session.update('visits', (n) => n + 1)`, `'n' is possibly 'undefined'`],
  ['take with a default', `session.take('notice', 'x')`, 'Expected 1 arguments, but got 2'],
  ['update with a default', `session.update('visits', () => 1, 0)`, 'Expected 2 arguments, but got 3'],
  ['regenerate with a callback', `session.regenerate(() => undefined)`, 'has no properties in common with type'],
  ['regenerate with an unknown option', `session.regenerate({ force: true })`, `'force' does not exist in type`],
  ['regenerate, remembered by a text', `session.regenerate({ remember: 'on' })`, `Type 'string' is not assignable`],
  ['an owner that is neither a number nor a string', `sess.owner({ id: 7 })`, 'not assignable to parameter of type'],
  [
    'a revocation without a name',
    `sess.owner(7).revoke({ id: sess.id(session) })`,
    `Type 'undefined' is not assignable`,
  ],
  [
    'a change of a listed session',
    `(await sess.owner(7).sessions())[0]!.data.notice = 'x'`,
    'it is a read-only property',
  ],
  ['a watch that is too vague', `sess.watch(new Request('http://a'), { every: 'often' })`, `Type '"often"' is not`],
  ...['destroy', 'save'].map(
    (method) =>
      [`${method} with a callback`, `session.${method}(() => undefined)`, 'Expected 0 arguments, but got 1'] as const,
  ),
  ['take of an unknown key', `session.take('vists')`, `'"vists"' is not assignable to parameter of type`],
  [
    'take, as a value that is always there',
    `export const notice: string = session.take('notice')`,
    `Type 'undefined' is not assignable to type 'string'`,
  ],
  [
    'what was read, assigned',
    `export const f = async (request: Request) => { const seen = await sess.read(request); if (seen) seen.notice = 'x' }`,
    `Cannot assign to 'notice' because it is a read-only property`,
  ],
  [
    'what was read, as if it were always there',
    `export const f = async (request: Request) => (await sess.read(request)).notice`,
    `Object is possibly 'null'`,
  ],
  [
    'what was read, with methods',
    `export const f = async (request: Request) => (await sess.read(request))?.take('notice')`,
    `Property 'take' does not exist`,
  ],
  [
    'a session that was not awaited',
    `export const f = (request: Request) => sess.open(request).notice`,
    `Property 'notice' does not exist on type 'Promise<Session<Shop>>'`,
  ],
  [
    'open of a request of Node without its response',
    `export const f = (req: NodeRequest) => sess.open(req)`,
    `Type 'NodeRequest' is missing the following properties from type 'Request'`,
  ],
  [
    "open of a framework's context",
    `export const f = (ctx: { req: NodeRequest; res: NodeResponse }) => sess.open(ctx)`,
    `is missing the following properties from type 'Request'`,
  ],
  [
    'open of something that is no response',
    `export const f = (req: NodeRequest) => sess.open(req, { end() {} })`,
    `is missing the following properties from type 'NodeResponse'`,
  ],
  ['a fetch handler that returns no response', `sess.fetch(() => 'x')`, `Type 'string' is not assignable to type`],
  [
    'a fetch handler without what it asks for',
    `sess.fetch((request, env: { DB: string }) => new Response(env.DB))(new Request('http://x'))`,
    'Expected 2 arguments, but got 1',
  ],
  [
    'an exchange of the headers of a request',
    `export const f = (request: Request) => sess.exchange(request.headers)`,
    `Argument of type 'Headers' is not assignable to parameter of type`,
  ],
  [
    'an exchange of another session',
    `export const f = (): Exchange<{ visits: string }> => sess.exchange(null)`,
    `Type 'Exchange<Shop>' is not assignable to type 'Exchange<{ visits: string; }>'`,
  ],
  [
    'a session of other data',
    `export const f = (other: Session<{ visits: string }>) => sess.id(other)`,
    `is not assignable to parameter of type 'Session<Shop>'`,
  ],
  [
    'a client of tests, of an unknown key',
    `import { cookieFor } from '@sess/core/testing'; cookieFor(sess, { vists: 1 })`,
    `'vists' does not exist in type`,
  ],
  [
    'a client of tests, of the wrong type',
    `import { cookieFor } from '@sess/core/testing'; cookieFor(sess, { visits: '1' })`,
    `Type 'string' is not assignable to type 'number'`,
  ],
  ['a code that no error has', `export const f = (error: SessError) => error.code === 'TIMEOUT'`, 'have no overlap'],
  [
    'a code assigned',
    `export const f = (error: SessError) => { error.code = 'CONFLICT' }`,
    `Cannot assign to 'code' because it is a read-only property`,
  ],
  [
    'a message changed by a subscriber',
    `import type { EndMessage } from '@sess/core'; export const f = (message: EndMessage) => { message.reason = 'limit' }`,
    `Cannot assign to 'reason' because it is a read-only property`,
  ],
  [
    'a reason for which no session ends',
    `import type { EndMessage } from '@sess/core'; export const f = ({ reason }: EndMessage) => reason === 'timeout'`,
    'have no overlap',
  ],
  [
    'what a session holds, asked of a message',
    `import type { LoginMessage } from '@sess/core'; export const f = (message: LoginMessage) => message.data`,
    `Property 'data' does not exist on type 'LoginMessage'`,
  ],
]

/** Core's options are checked even if no adapter is installed. */
export const REFUSED_WITHOUT_ADAPTERS: Refused = [
  [
    "core's option of the wrong type, with an adapter that is not installed",
    options(`'redis', { secret, url: 'x', idleTimeout: true }`),
    `Type 'true' is not assignable to type 'Duration`,
  ],
  [
    "core's option of the wrong type, without a name",
    options(`{ secret, idleTimeout: true }`),
    `Type 'true' is not assignable to type 'Duration`,
  ],
  [
    'no secret, with an adapter that is not installed',
    options(`'redis', { url: 'x' }`),
    `Property 'secret' is missing`,
  ],
  ['a Date', data('{ when?: Date }'), METHODS],
]
