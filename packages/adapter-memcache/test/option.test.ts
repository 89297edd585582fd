import { isSessError } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'
import { openUntyped } from './support/stores.ts'

function failureOf(options: unknown): { code: string; message: string } {
  try {
    openUntyped(options)
  } catch (error) {
    if (isSessError(error)) return error
    throw error
  }
  return { code: 'none', message: '' }
}

describe('options', () => {
  it('has defaults for all', () => {
    expect(openUntyped({})).toMatchObject({
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
    [{ servers: [] }, 'memcache.servers is an array', 'a list'],
    [{ servers: ['a:1', 11211] }, 'memcache.servers[1] is 11211', 'host:port'],
    [{ servers: ['a:1', undefined] }, 'memcache.servers[1] is missing', 'host:port'],
    ...['localhost', 'localhost:', ':11211', 'a:0', 'a:65536', 'a:1,b:2', 'a:1 b:2', '::1', '[::1]', '[::g]:1'].map(
      (servers) => [{ servers }, `memcache.servers is a string of ${servers.length} characters`, 'host:port'] as const,
    ),
    ...['memcached://user:hunter2@a:1', 'user:hunter2@a:1', 'a:1/path', 'a:1?b', 'a:1#b', '/run/memcached.sock'].map(
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
  ] as const)('refuses %o, saying what was given and what is expected', (options, given, expected) => {
    const { code, message } = failureOf(options)
    expect(code).toBe('INVALID_OPTION')
    expect(message).toContain(`Option ${given}`)
    expect(message).toContain(expected)
    expect(message).not.toContain('hunter2')
  })
})
