import redis from '@sess/adapter-redis'
import { Cluster, Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { ALICE, openUntyped, shown, succeed } from '../../../tests/support/stores.ts'
import { connect, ownServer } from './server.ts'
import { openStore } from './stores.ts'

const SECRET = 'correct-horse-battery'
const place = { host: '127.0.0.1', port: 6379 }
const client = new Redis({ lazyConnect: true })
const cluster = new Cluster([place], { lazyConnect: true })
const url = 'redis://127.0.0.1:6379'

const PREFIX_EXPECTED = `a string that ends in a separator, such as 'sess:'`

const WRONG: readonly [string, options: unknown, message: string][] = [
  ['no object', 'redis', 'Option redis is a string of 5 characters; expected an object of options.'],
  ['null', null, 'Option redis is null; expected an object of options.'],
  ['an unknown option', { prefx: 'x:' }, 'Option redis."prefx" is not known; redis takes url, sentinels, name, '],
  [
    'sentinels',
    { sentinels: [], name: 'x' },
    'Option redis.sentinels is an array; expected an array of { host, port }',
  ],
  ['sentinels', { sentinels: place, name: 'x' }, 'Option redis.sentinels is an object; expected an array of { host, '],
  ['nodes', { nodes: [place, url] }, 'Option redis.nodes[1] is a string of 22 characters; expected an object'],
  ['nodes', { nodes: [{ port: 1 }] }, 'Option redis.nodes[0].host is missing; expected a string that is not empty.'],
  ['nodes', { nodes: [{ host: 'a' }] }, 'Option redis.nodes[0].port is missing; expected an integer from 1 to 65535.'],
  ['nodes', { nodes: [{ ...place, port: 65_536 }] }, 'Option redis.nodes[0].port is 65536; expected an integer from 1'],
  [
    'nodes',
    { nodes: [{ ...place, db: 1 }] },
    'Option redis.nodes[0]."db" is not known; redis.nodes[0] takes host, port.',
  ],
  [
    'client',
    { client: url },
    'Option redis.client is a string of 22 characters; expected a Redis or Cluster of ioredis.',
  ],
  ['client', { client: {} }, 'Option redis.client is an object; expected a Redis or Cluster of ioredis.'],
  [
    'name',
    { sentinels: [place] },
    'Option redis.name is missing; expected the name of the master if redis.sentinels is set, ',
  ],
  ['name', { name: 'x' }, 'Option redis.name is a string of 1 characters; expected the name of the master if'],
  ['name', { sentinels: [place], name: '' }, 'Option redis.name is an empty string; expected a string that is not'],
  ['username', { username: 1 }, 'Option redis.username is 1; expected a string that is not empty.'],
  ['username', { username: 'alice' }, 'Option redis.password is missing; expected the password of redis.username.'],
  ['password', { password: '' }, 'Option redis.password is an empty string; expected a string that is not empty.'],
  ['tls', { url: 'rediss://host', tls: true }, 'Option redis.tls is true; expected options of node:tls, such as {}.'],
  ['prefix', { prefix: 'sess' }, `Option redis.prefix is a string of 4 characters; expected ${PREFIX_EXPECTED}.`],
  ['prefix', { prefix: '\ud800:' }, `Option redis.prefix is a string of 2 characters; expected ${PREFIX_EXPECTED}.`],
  ['prefix', { prefix: 'x:\ud800' }, `Option redis.prefix is a string of 3 characters; expected ${PREFIX_EXPECTED}.`],
  ['prefix', { prefix: null }, `Option redis.prefix is null; expected ${PREFIX_EXPECTED}.`],
  ['deadline', { deadline: 0 }, 'Option redis.deadline is 0; expected an integer from 1 to 2147483647.'],
  ['deadline', { deadline: 2 ** 31 }, 'Option redis.deadline is 2147483648; expected an integer from 1 to 2147483647.'],
  ['deadline', { deadline: '1000' }, 'Option redis.deadline is a string of 4 characters; expected an integer'],
  ['maxBytes', { maxBytes: 1.5 }, 'Option redis.maxBytes is 1.5; expected an integer from 1 to 268435456.'],
  [
    'url, sentinels',
    { url, sentinels: [place], name: 'x' },
    'Option redis.sentinels is an array; expected nothing, because',
  ],
  [
    'url, nodes',
    { url, nodes: [place] },
    'Option redis.nodes is an array; expected nothing, because redis.url is set.',
  ],
  ['url, client', { url, client }, 'Option redis.client is an object; expected nothing, because redis.url is set.'],
  ['sentinels, nodes', { sentinels: [place], name: 'x', nodes: [place] }, 'Option redis.nodes is an array; expected'],
  ['nodes, client', { nodes: [place], client: cluster }, 'Option redis.client is an object; expected nothing, because'],
  [
    'client, username',
    { client, username: 'alice', password: SECRET },
    'Option redis.username is a string of 5 characters',
  ],
  [
    'client, password',
    { client, password: SECRET },
    'Option redis.password is a string of 21 characters; expected nothing',
  ],
  [
    'client, tls',
    { client, tls: {} },
    'Option redis.tls is an object; expected nothing, because redis.client has its own.',
  ],
  [
    'url with a login, password',
    { url: `redis://:${SECRET}@host`, password: SECRET },
    'Option redis.password is a string of 21 characters; expected nothing, because redis.url contains the login.',
  ],
  [
    'url without TLS, tls',
    { url, tls: {} },
    `Option redis.tls is an object; expected nothing, because redis.url does not start with 'rediss://'.`,
  ],
]

describe('7.6 a wrong option', () => {
  it.each(WRONG)('%s: %j', (_name, options, message) => {
    const open = () => openUntyped(redis, options)
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(message)
  })

  it('never shows a secret', () => {
    for (const [, options] of WRONG) {
      try {
        openUntyped(redis, options)
      } catch (error) {
        expect(shown(error)).not.toContain(SECRET)
      }
    }
  })
})

describe('a right option', () => {
  it.each([
    {},
    { url: undefined, prefix: undefined, deadline: undefined, maxBytes: undefined, client: undefined },
    { url: 'redis://host' },
    { url: 'redis://alice:p%40ss%20w%C3%B6rd@host:6380/15' },
    { url: 'redis://[::1]:6379/' },
    { url: 'rediss://host', tls: {} },
    { url, username: 'alice', password: SECRET },
    { sentinels: [place], name: 'x', password: SECRET, tls: {} },
    { nodes: [place], username: 'alice', password: SECRET, tls: {} },
    { client },
    { client: cluster },
    { prefix: '' },
    { prefix: 'ä:' },
    { prefix: 'app{1}' },
    { deadline: 1, maxBytes: 1 },
    { deadline: 2 ** 31 - 1, maxBytes: 2 ** 28 },
  ])('%j opens a store, and connects to nothing yet', (options) => {
    const store = openUntyped(redis, options)
    expect(store).toMatchObject({ contract: 1, kind: 'server', name: 'redis', lacks: ['retention', 'durability'] })
    expect(shown(store)).not.toContain(SECRET)
  })

  it('10.1 says what a store is limited to', () => {
    expect(openUntyped(redis, {})).toMatchObject({ maxBytes: 2 ** 20, deadline: 1000 })
    expect(openStore({ maxBytes: 5, deadline: 6 })).toMatchObject({ maxBytes: 5, deadline: 6 })
  })

  it('is used: user, password and database of a URL', async () => {
    const password = 'p@ss wörd/:?#'
    const server = await ownServer()
    const direct = connect(server.url)
    await direct.call('ACL', 'SETUSER', 'alice', 'on', `>${password}`, '~*', '+@all')
    const login = `alice:${encodeURIComponent(password)}`
    const store = openStore({ url: `redis://${login}@127.0.0.1:${server.port}/7`, prefix: 'x:' })
    await succeed(store.create('key', ALICE))
    expect(await direct.call('ACL', 'LOG')).toEqual([])
    await direct.select(7)
    expect(await direct.keys('*')).toEqual(['x:key'])
    await direct.call('ACL', 'SETUSER', 'default', 'off')
    const other = openStore({ url: server.url, username: 'alice', password, prefix: 'y:' })
    await succeed(other.create('key', ALICE))
  })

  it('5.1 keeps prefixes apart, also where one begins with another', async () => {
    const server = await ownServer()
    const [short, long] = [openStore({ url: server.url, prefix: 'a:' }), openStore({ url: server.url, prefix: 'a:b:' })]
    await succeed(long.create('key', ALICE))
    for (const key of ['b', 'key', 'b-key']) expect(await short.read(key)).toBeNull()
    expect(await long.read('key')).toMatchObject(ALICE)
  })
})
