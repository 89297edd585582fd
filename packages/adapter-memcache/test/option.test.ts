import memcache from '@sess/adapter-memcache'
import { isSessError } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'
import Memcached from 'memcached'
import { openUntyped } from '../../../tests/support/stores.ts'
import { newClient } from './support/client.ts'

function failureOf(options: unknown): { code: string; message: string } {
  try {
    openUntyped(memcache, options)
  } catch (error) {
    if (isSessError(error)) return error
    throw error
  }
  return { code: 'none', message: '' }
}

describe('options', () => {
  it('all have defaults', () => {
    expect(openUntyped(memcache, {})).toMatchObject({
      contract: 1,
      kind: 'server',
      name: 'memcache',
      maxBytes: 262_144,
      deadline: 1000,
      lacks: ['retention', 'durability'],
    })
  })

  it.each([
    { servers: undefined, prefix: undefined, deadline: undefined, maxBytes: undefined },
    { servers: 'localhost:11211' },
    { servers: ['cache-1.example.com:11211', '10.0.0.1:1', '[::1]:65535'] },
    { servers: ['/run/memcached.sock', 'a:1'] },
    { prefix: '!~' },
    { prefix: 'p'.repeat(122) },
    { deadline: 1 },
    { maxBytes: 1_048_000 },
  ])('takes %o', (options) => {
    expect(failureOf(options)).toEqual({ code: 'none', message: '' })
  })

  it.each([
    [{ servers: '' }, 'memcache.servers is an empty string', 'host:port'],
    [{ servers: null }, 'memcache.servers is null', 'host:port'],
    [{ servers: {} }, 'memcache.servers is an object', 'host:port'],
    [{ servers: [] }, 'memcache.servers is an array', 'an array of them'],
    [{ servers: ['a:1', 11211] }, 'memcache.servers[1] is 11211', 'host:port'],
    [{ servers: ['a:1', undefined] }, 'memcache.servers[1] is missing', 'host:port'],
    ...['localhost', 'localhost:', ':11211', 'a:0', 'a:65536', 'a:1,b:2', 'a:1 b:2', '::1', '[::1]', '[::g]:1'].map(
      (servers) => [{ servers }, `memcache.servers is a string of ${servers.length} characters`, 'host:port'] as const,
    ),
    ...[
      'memcached://user:hunter2@a:1',
      'user:hunter2@a:1',
      'a:1/path',
      'a:1?b',
      'a:1#b',
      'run/memcached.sock',
      '/run/a b',
    ].map(
      (servers) => [{ servers }, `memcache.servers is a string of ${servers.length} characters`, 'host:port'] as const,
    ),
    [{ prefix: '' }, 'memcache.prefix is an empty string', '1 to 122'],
    [{ prefix: 'p'.repeat(123) }, 'memcache.prefix is a string of 123 characters', '1 to 122'],
    ...['a b', 'a\n', 'a\0', 'é', '\u007f'].map(
      (prefix) => [{ prefix }, `memcache.prefix is a string of ${prefix.length} characters`, 'ASCII'] as const,
    ),
    [{ prefix: 1 }, 'memcache.prefix is 1', 'ASCII'],
    [{ deadline: 0 }, 'memcache.deadline is 0', 'an integer from 1'],
    [{ deadline: 1.5 }, 'memcache.deadline is 1.5', 'an integer from 1'],
    [{ deadline: 2 ** 31 }, 'memcache.deadline is 2147483648', 'to 2147483647'],
    [{ deadline: '1s' }, 'memcache.deadline is a string', 'an integer'],
    [{ maxBytes: 0 }, 'memcache.maxBytes is 0', 'an integer from 1 to 1048000'],
    [{ maxBytes: 1_048_001 }, 'memcache.maxBytes is 1048001', 'an integer from 1 to 1048000'],
    [{ server: 'a:1' }, 'memcache."server" is not known', 'servers'],
    [{ remove: true }, 'memcache."remove" is not known', 'servers'],
    [[], 'memcache is an array', 'an object'],
    [null, 'memcache is null', 'an object'],
  ] as const)('refuses %o, and names what was given and what is expected', (options, given, expected) => {
    const { code, message } = failureOf(options)
    expect(code).toBe('INVALID_OPTION')
    expect(message).toContain(`Option ${given}`)
    expect(message).toContain(expected)
    expect(message).not.toContain('hunter2')
  })
})

describe('the option client', () => {
  const A_CLIENT = `a client of the npm package 'memcached'`
  const AN_ADDRESS = `'host:port', 'host' or the path of a Unix socket`
  const ring = {
    servers: [{ string: 'a', weight: 1 }],
    vnodes: { a: 0 },
    vnode: 40,
    replicas: 4,
    algorithm: 'md5',
    defaultport: 11_211,
  }
  /** A client of another copy of the package: it is an instance of another class. */
  const copy = { servers: ['a'], HashRing: ring, getMulti: () => undefined }

  it.each<[shows: string, options: () => object]>([
    ['one that has the default server', () => ({ client: newClient().client })],
    ['one that has no servers', () => ({ client: newClient([]).client })],
    ['one that has one server', () => ({ client: newClient('localhost').client })],
    ['one that has IPv6 addresses', () => ({ client: newClient(['::1:11211', '[::1]:11211', '[::1]']).client })],
    ['one that has weights', () => ({ client: newClient({ 'a:1': 1, b: 0.5 }).client })],
    ['one of another copy of the package', () => ({ client: copy })],
    ['none', () => ({ client: undefined, servers: 'a:1' })],
    ['one, and no servers', () => ({ client: copy, servers: undefined, prefix: 'p:' })],
  ])('takes %s', (_, options) => {
    expect(failureOf(options())).toEqual({ code: 'none', message: '' })
  })

  const removed = (method: string, ...args: readonly string[]) => {
    const { client } = newClient(['a:1', 'b:1', 'c:1'])
    const own = Reflect.get(client, 'HashRing')
    own[method](...args)
    return client
  }

  it.each<[shows: string, client: unknown, path: string, given: string, expected: string]>([
    ['a text', 'hunter2', 'client', 'a string of 7 characters', A_CLIENT],
    ['null', null, 'client', 'null', A_CLIENT],
    ['an empty object', {}, 'client', 'an object', A_CLIENT],
    ['the class', Memcached, 'client', 'a function', A_CLIENT],
    ['a list of servers', ['a:1'], 'client', 'an array', A_CLIENT],
    [
      'a client of another package',
      { servers: ['a:1'], get: () => 'x', close: () => 'x' },
      'client',
      'an object',
      A_CLIENT,
    ],
    ['one without a ring', { ...copy, HashRing: undefined }, 'client', 'an object', A_CLIENT],
    ['one without servers', { ...copy, servers: [] }, 'client', 'an object', A_CLIENT],
    ['one with other servers', { ...copy, servers: [{ host: 'a' }] }, 'client', 'an object', A_CLIENT],
    ...Object.keys(ring)
      .filter((name) => name !== 'algorithm')
      .map((name): [string, unknown, string, string, string] => [
        `one whose ring has no ${name}`,
        { ...copy, HashRing: { ...ring, [name]: undefined } },
        'client',
        'an object',
        A_CLIENT,
      ]),
    ['one with a weight below zero', () => newClient({ a: -1, b: 2 }).client, 'client', 'an object', A_CLIENT],
    [
      'one with a hash of its own',
      { ...copy, HashRing: { ...ring, algorithm: () => 'hunter2' } },
      'client.algorithm',
      'a function',
      'the name of a hash',
    ],
    [
      'one that has removed a server',
      () => removed('remove', 'a:1'),
      'client',
      'an object',
      'a client that has not removed or replaced a server',
    ],
    [
      'one that has replaced a server',
      () => removed('swap', 'b:1', 'd:1'),
      'client',
      'an object',
      'a client that has not removed or replaced a server',
    ],
    ...['/run/hunter2 x.sock', 'user:hunter2@a:1', 'a:0', 'a:65536', '::1', 'a b', 'a:1/hunter2'].map(
      (server): [string, unknown, string, string, string] => [
        server,
        () => newClient(['a:1', server]).client,
        'client.servers[1]',
        `a string of ${server.length} characters`,
        AN_ADDRESS,
      ],
    ),
  ])('refuses %s', (_, client, path, given, expected) => {
    const { code, message } = failureOf({
      client: typeof client === 'function' && client !== Memcached ? client() : client,
    })
    expect(code).toBe('INVALID_OPTION')
    expect(message).toBe(`Option memcache.${path} is ${given}; expected ${expected}.`)
    expect(message).not.toContain('hunter2')
  })

  it.each(['a:1', ['a:1', 'b:1']])('does not go with the servers %o', (servers) => {
    const { code, message } = failureOf({ client: copy, servers })
    expect(code).toBe('INVALID_OPTION')
    expect(message).toBe('Option memcache.client is an object; expected nothing, because memcache.servers is set.')
  })
})
