import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import redis from '@sess/adapter-redis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ALICE, codeOf, openUntyped, succeed } from '../../../tests/support/stores.ts'
import { url } from '../src/url.ts'
import { connect, ownServer } from './server.ts'
import { openStore } from './stores.ts'

const ANY = `a URL such as 'redis://user:password@host:6379/0', 'rediss://…' for TLS, or the path of a Unix socket`
const HOST = `a URL with a host, or the path of a Unix socket alone, such as '/run/redis/redis.sock'`
const NAME = 'a URL whose host is a name or an address'
const PORT = 'a URL whose port is from 1 to 65535'
const DATABASE = 'a URL whose path is the number of a database'
const BLANK = 'a URL without blanks or line breaks; in a password, write a blank as %20'
const LOGIN = `a URL with a password, as in 'user:password@host' or ':password@host'`
const UTF_8 = 'percent-encoded UTF-8, as encodeURIComponent makes it'
const SENTINELS = 'a URL of a single server; for sentinels, use redis.sentinels and redis.name'
const CLUSTER = 'a URL of a single server; for a Cluster, use redis.nodes'
const SOCKET = `the path of the Unix socket alone, such as '/run/redis/redis.sock?db=0'`

const raw = (part: string, character: string, escape: string): string =>
  `a URL whose ${part} contains no '${character}': write it as ${escape}, or pass the login as redis.username and redis.password`

const without = (name: string): string =>
  `a URL without the parameter "${name}"; it may have db, connectionName, family`

const WRONG: Readonly<Record<string, readonly (readonly [given: string, expected: string])[]>> = {
  scheme: [
    ['127.0.0.1:6379', ANY],
    ['localhost', ANY],
    ['//localhost', ANY],
    ['redis:localhost', ANY],
    ['redis:/localhost', ANY],
    ['http://localhost', ANY],
    ['redi://localhost', ANY],
    ['redisss://localhost', ANY],
    ['reddis://localhost', ANY],
    ['valkey://localhost', ANY],
    ['redis+sentinel://localhost:26379/main', SENTINELS],
    ['redis-sentinel://localhost:26379', SENTINELS],
    ['sentinel://localhost:26379', SENTINELS],
    ['redis+cluster://localhost', CLUSTER],
    ['unix:///run/redis.sock', SOCKET],
    ['redis+unix:///run/redis.sock', SOCKET],
    ['redis-socket:///run/redis.sock', SOCKET],
  ],
  blanks: [
    ['redis://localhost\n', BLANK],
    [' redis://localhost', BLANK],
    ['redis://:battery staple@localhost', BLANK],
    ['redis://local\u0000host', BLANK],
  ],
  login: [
    ['redis://:bat/tery@localhost', raw('password', '/', '%2F')],
    ['redis://alice:bat/tery@localhost:6379/0', raw('password', '/', '%2F')],
    ['redis://alice:123/4@localhost', raw('password', '/', '%2F')],
    ['redis://alice:/battery@localhost', raw('password', '/', '%2F')],
    ['redis://:bat?tery@localhost', raw('password', '?', '%3F')],
    ['redis://alice:123?family=4@localhost', raw('password', '?', '%3F')],
    ['redis://alice:123?battery=staple@localhost', raw('password', '?', '%3F')],
    ['redis://:bat#tery@localhost', raw('password', '#', '%23')],
    ['redis://alice:123#4@localhost', raw('password', '#', '%23')],
    ['redis://:bat@tery@localhost', raw('password', '@', '%40')],
    ['redis://:bat@te/ry@localhost', raw('password', '/', '%2F')],
    ['redis://:battery%@localhost', raw('password', '%', '%25')],
    ['redis://:bat%tery@localhost', raw('password', '%', '%25')],
    ['redis://:bat%2tery@localhost', raw('password', '%', '%25')],
    ['redis://al/ice:battery@localhost', raw('user name', '/', '%2F')],
    ['redis://al@ice:battery@localhost', raw('user name', '@', '%40')],
    ['redis://al%ice:battery@localhost', raw('user name', '%', '%25')],
    ['redis://:battery%ff@localhost', `a URL whose password is ${UTF_8}`],
    ['redis://%ff:battery@localhost', `a URL whose user name is ${UTF_8}`],
    ['redis://alice@localhost', LOGIN],
    ['redis://@localhost', LOGIN],
    ['redis://:@localhost', 'a URL whose password is not empty'],
    ['redis://alice:@localhost', 'a URL whose password is not empty'],
  ],
  host: [
    ['redis://', HOST],
    ['redis:///0', HOST],
    ['redis://:6379', HOST],
    ['redis://:battery@', HOST],
    ['redis://:battery@:6379/0', HOST],
    ['redis:///run/redis.sock', HOST],
    ['redis://one,two', 'a URL with one host; for several, use redis.sentinels or redis.nodes'],
    ['redis://one:6379,two:6379', 'a URL with one host; for several, use redis.sentinels or redis.nodes'],
    ['redis://::1', `a URL whose IPv6 address is in brackets, as in '[::1]:6379'`],
    ['redis://::1:6379/0', `a URL whose IPv6 address is in brackets, as in '[::1]:6379'`],
    ['redis://[]', NAME],
    ['redis://[localhost]', NAME],
    ['redis://[127.0.0.1]', NAME],
    ['redis://[::1', `a URL whose IPv6 address is in brackets, as in '[::1]:6379'`],
    ['redis://local%68ost', NAME],
    ['redis://local\\host', NAME],
    ['redis://<host>', NAME],
  ],
  port: [
    ['redis://localhost:', PORT],
    ['redis://localhost:0', PORT],
    ['redis://localhost:65536', PORT],
    ['redis://localhost:-1', PORT],
    ['redis://localhost:6379a', PORT],
    ['redis://[::1]:', PORT],
    ['redis://[::1]:99999', PORT],
  ],
  database: [
    ['redis://localhost/zero', DATABASE],
    ['redis://localhost/-1', DATABASE],
    ['redis://localhost/1.5', DATABASE],
    ['redis://localhost/1/2', DATABASE],
    ['redis://localhost//', DATABASE],
    ['redis://localhost/9999999999', DATABASE],
    ['redis://localhost/1?db=1', `a URL that names its database once, in its path or as 'db'`],
  ],
  parameters: [
    ['redis://localhost?family=5', `a URL whose parameter 'family' is 0, 4 or 6`],
    ['redis://localhost?family=', `a URL whose parameter 'family' is 0, 4 or 6`],
    ['redis://localhost?family', `a URL whose parameter 'family' is 0, 4 or 6`],
    ['redis://localhost?family=4&family=6', `a URL with one parameter 'family'`],
    ['redis://localhost?db=one', `a URL whose parameter 'db' is the number of a database`],
    [
      'redis://localhost?connectionName=',
      `a URL whose parameter 'connectionName' is printable ASCII characters without blanks`,
    ],
    [
      'redis://localhost?connectionName=a+b',
      `a URL whose parameter 'connectionName' is printable ASCII characters without blanks`,
    ],
    ['redis://localhost/0?Family=4', without('Family')],
    ['redis://localhost?password=battery', without('password')],
    ['redis://localhost?username=alice', without('username')],
    ['redis://localhost?role=slave', without('role')],
    ['redis://localhost?autoResendUnfulfilledCommands=true', without('autoResendUnfulfilledCommands')],
    ['redis://localhost?maxRetriesPerRequest=20', without('maxRetriesPerRequest')],
    ['redis://localhost?keyPrefix=x', without('keyPrefix')],
    ['redis://localhost?tls=true', without('tls')],
    ['redis://localhost?__proto__=x', without('__proto__')],
    ['/run/redis.sock?db=one', `a URL whose parameter 'db' is the number of a database`],
    ['/run/redis.sock?password=battery', without('password')],
  ],
  fragment: [['redis://localhost/0#1', `a URL without '#'`]],
}

describe.each(Object.entries(WRONG))('7.6 a URL that is wrong in its %s', (_part, cases) => {
  it.each(cases)('%s names that part and shows nothing of the URL', (given, expected) => {
    expect(() => openUntyped(redis, { url: given })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: `Option redis.url is a string of ${given.length} characters; expected ${expected}.`,
      }),
    )
  })
})

it.each([
  ['', 'an empty string'],
  [6379, '6379'],
  [null, 'null'],
  [new URL('redis://localhost'), 'an object'],
])('7.6 a URL that is not a text is refused: %s', (given, kind) => {
  expect(() => openUntyped(redis, { url: given })).toThrow(`Option redis.url is ${kind}; expected ${ANY}.`)
})

const set = (value: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))

it.each([
  ['redis://localhost', { host: 'localhost' }],
  ['redis://localhost/', { host: 'localhost' }],
  ['REDIS://redis_1.internal:6380/0', { host: 'redis_1.internal', port: 6380, db: 0 }],
  ['rediss://bücher.example', { host: 'bücher.example', tls: {} }],
  ['REDISS://127.0.0.1', { host: '127.0.0.1', tls: {} }],
  ['redis://[::1]', { host: '::1' }],
  ['redis://[2001:db8::1]:65535/15', { host: '2001:db8::1', port: 65_535, db: 15 }],
  ['redis://:battery@localhost', { host: 'localhost', password: 'battery' }],
  ['redis://alice:battery:staple@[::1]:1', { host: '::1', port: 1, username: 'alice', password: 'battery:staple' }],
  ['redis://al%40ice:%2F%3F%23%40%25%3A%20%C3%A9@h', { host: 'h', username: 'al@ice', password: '/?#@%: é' }],
  ['redis://localhost?family=0', { host: 'localhost', family: 0 }],
  [
    'redis://localhost:6379/2?family=6&connectionName=web-1',
    { host: 'localhost', port: 6379, db: 2, family: 6, connectionName: 'web-1' },
  ],
  ['redis://localhost?db=3&connectionName=a@b', { host: 'localhost', db: 3, connectionName: 'a@b' }],
  ['redis://localhost/?', { host: 'localhost' }],
  ['/run/redis/redis.sock', { path: '/run/redis/redis.sock' }],
  ['/run/redis.sock?db=2&connectionName=web', { path: '/run/redis.sock', db: 2, connectionName: 'web' }],
])('%s says where the server is', (given, target) => {
  expect(set(url(given, 'redis.url'))).toEqual(target)
})

describe('a store uses', () => {
  it('the connection name, the address family and the database of the URL', async () => {
    const server = await ownServer()
    const store = openStore({ url: `${server.url.replace('127.0.0.1', 'localhost')}?family=4&connectionName=web&db=3` })
    await succeed(store.create('key', ALICE))
    const clients = String(await connect(server.url).client('LIST'))
    expect(clients).toMatch(/ name=web .* db=3 /)
  })

  it('only the address family of the URL', async () => {
    const server = await ownServer()
    const local = server.url.replace('127.0.0.1', 'localhost')
    await succeed(openStore({ url: `${local}?family=0` }).create('key', ALICE))
    expect(await codeOf(openStore({ url: `${local}?family=6` }).read('key'))).toBe('UNAVAILABLE')
  })

  it('a Unix socket, with a login', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-redis-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const socket = join(folder, 'redis.sock')
    const server = await ownServer('--unixsocket', socket, '--requirepass', 'battery')
    const direct = connect(`redis://:battery@127.0.0.1:${server.port}/2`)
    const store = openStore({ url: `${socket}?db=2`, password: 'battery', prefix: 'x:' })
    const version = await succeed(store.create('key', ALICE))
    expect(await store.read('key')).toEqual({ ...ALICE, version })
    expect(await direct.keys('*')).toEqual(['x:key'])
    await server.restart()
    await expect.poll(() => store.read('key').catch(() => 'unavailable')).toBeNull()
  })
})
