import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile, type Diagnostic } from '../../core/test/support/compiler.ts'
import { Installation } from '../../core/test/support/installation.ts'

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** The packages of an application that moves, as it has them. */
const INSTALLED = [
  'express-session',
  'connect-redis',
  'redis',
  '@redis',
  'redis-5',
  'ioredis',
  'connect-pg-simple',
  'pg',
]
const more = ['pg-types', 'pg-protocol', '@fastify/session', '@fastify/cookie', 'fastify', '@types']

const PRELUDE = `import {
  connectRedis, cookieSession, expressSession, fastifySecureSession, fastifySession, ironSession,
} from '@sess/migrate'
import type { FormerSessions } from '@sess/core/adapter'
declare const secret: string
declare const store: import('express-session').MemoryStore
declare const client: import('ioredis').Redis
`

const ACCEPTED = {
  'a MemoryStore': `expressSession({ store, secret }) satisfies FormerSessions`,
  'a store of connect-redis': `import { RedisStore } from 'connect-redis'
    export const former = expressSession({ store: new RedisStore({ client }), secret })`,
  'a store of connect-pg-simple': `import session from 'express-session'
    import connectPg from 'connect-pg-simple'
    export const former = expressSession({ store: new (connectPg(session))(), secret })`,
  'secrets that rotate, texts and bytes': `expressSession({ store, secret: [secret, Buffer.from(secret)] as const })`,
  'a client of redis 6': `import { createClient } from 'redis'
    export const former = connectRedis({ client: createClient(), secret })`,
  'a cluster of redis 6': `import { createCluster } from 'redis'
    export const former = connectRedis({ client: createCluster({ rootNodes: [] }), secret })`,
  'a client of redis 5': `import { createClient } from 'redis-5'
    export const former = connectRedis({ client: createClient(), secret })`,
  'a client of ioredis': `connectRedis({ client, secret, prefix: 'shop:' })`,
  'a cluster of ioredis': `import { Cluster } from 'ioredis'
    export const former = connectRedis({ client: new Cluster([]), secret })`,
  'a Keygrip': `import Keygrip from 'keygrip'
    export const former = cookieSession({ keys: new Keygrip([secret], 'sha512') })`,
  'passwords by number': `ironSession({ cookieName: 'iron', password: { 1: secret, 2: secret } })`,
  'a store of @fastify/session': `import { MemoryStore } from '@fastify/session'
    export const former = fastifySession({ store: new MemoryStore(), secret })`,
  'keys that rotate, texts and bytes': `fastifySecureSession({ key: [secret, Buffer.from(secret)] })`,
  'secrets of the environment': `expressSession({ store, secret: process.env['ONE'] })
    export const former = ironSession({ cookieName: 'iron', password: { 1: process.env['ONE'] } })`,
  'options that are undefined': `expressSession({ store, secret, name: undefined, cookie: { path: undefined }, keep: undefined })`,
} as const

const REFUSED: readonly (readonly [fault: string, program: string, says: string])[] = [
  ['a store without destroy', `expressSession({ secret, store: { get() {} } })`, `'destroy' is missing`],
  ['no secret', `expressSession({ store })`, `'secret' is missing`],
  [
    'an option of express-session that is not needed',
    `expressSession({ store, secret, resave: false })`,
    `'resave' does not exist`,
  ],
  [
    'an attribute of the cookie that is not needed',
    `expressSession({ store, secret, cookie: { maxAge: 5 } })`,
    `'maxAge' does not exist`,
  ],
  ['a client without del', `connectRedis({ secret, client: { async get() {} } })`, `'del' is missing`],
  ['a store instead of a client', `connectRedis({ secret, client: store })`, `'del' is missing`],
  [
    'sessions that are not signed',
    `cookieSession({ keys: [secret], signed: false })`,
    `'false' is not assignable to type 'true'`,
  ],
  ['a key that is not in a list', `cookieSession({ keys: secret })`, `not assignable`],
  ['a name of a cookie that is a number', `ironSession({ cookieName: 5, password: secret })`, `not assignable`],
  ['passwords in a list of numbers', `ironSession({ cookieName: 'iron', password: [1, 2] })`, `not assignable`],
  ['a signer', `fastifySession({ store, secret: { sign: String, unsign: String } })`, `'sign' does not exist`],
  ['a secret instead of a key', `fastifySecureSession({ secret })`, `'secret' does not exist`],
  ['a key that is a number', `fastifySecureSession({ key: 5 })`, `not assignable`],
]

describe('the compiler', () => {
  const application = new Installation().copy('core').copy('migrate').write({ 'package.json': '{"type":"module"}' })
  for (const name of [...INSTALLED, ...more]) application.symlink(join(MODULES, name), 'node_modules', name)
  afterAll(() => application.remove())

  const programs = [...Object.values(ACCEPTED), ...REFUSED.map(([, program]) => program)]
  let diagnostics: ReadonlyMap<string, readonly Diagnostic[]>
  const fileOf = (program: string) => `src/program${programs.indexOf(program)}.ts`

  beforeAll(async () => {
    for (const program of programs) application.write({ [fileOf(program)]: `${PRELUDE}${program}` })
    const options = { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023'], types: ['node'] }
    const files = programs.map(fileOf)
    diagnostics = await compile(application, 'app', files, { ...options, skipLibCheck: true })
  }, 120_000)

  it.each(Object.entries(ACCEPTED))('accepts %s', (_what, program) => {
    expect(diagnostics.get(fileOf(program)) ?? []).toEqual([])
  })

  it.each(REFUSED)('refuses %s', (_fault, program, says) => {
    const [first, ...others] = diagnostics.get(fileOf(program)) ?? []
    expect(first?.text).toContain(says)
    expect(others).toEqual([])
  })
})
