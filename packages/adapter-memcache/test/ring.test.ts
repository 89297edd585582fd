import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numbers } from '../../../tests/support/stores.ts'
import { placement } from '../src/client.ts'
import { Ring, RING_DEFAULTS, type RingOptions, type RingServer } from '../src/ring.ts'
import { newClient, serversOf } from './support/client.ts'

const KEYS = numbers(2000).map((n) => `sess:${createHash('sha256').update(`${n}`).digest('base64url')}`)

/** Lists of up to 12 servers, by how they are spelled. */
const SPELLINGS: Readonly<Record<string, (n: number) => string>> = {
  'with the usual port': (n) => `10.0.0.${n}:11211`,
  'without a port': (n) => `10.0.0.${n}`,
  'with another port': (n) => `10.0.0.${n}:11212`,
  'with several ports, the usual one among them': (n) => `127.0.0.1:${11_208 + n}`,
  'with a name and the usual port': (n) => `cache-${n}.example.com:11211`,
  'with a name and no port': (n) => `cache-${n}.example.com`,
  'as IPv6 addresses': (n) => `2001:db8::${n}:11211`,
  'as IPv6 addresses in brackets': (n) => `[2001:db8::${n}]:11211`,
  'as several names of one host': (n) => ['localhost:11211', 'localhost', '127.0.0.1:11211', '::1:11211'][n % 4] ?? '',
}

type List<T> = readonly [T, ...T[]]

function listOf<T>(items: readonly T[]): List<T> {
  const [first, ...rest] = items
  if (first === undefined) throw new Error('the list is empty')
  return [first, ...rest]
}

/** Keys that hash to exactly a point of a server, in addition to keys as the store has them. */
function keysFor(names: readonly string[]): readonly string[] {
  const points = names.flatMap((name) => [`${name}-0`, `${name}-39`, `${name.split(':')[0]}-0`])
  return [...points, ...KEYS]
}

function expectSame<S extends RingServer>(ring: Ring<S>, clientsOwn: ReadonlyMap<string, string>): void {
  const ours = [...clientsOwn.keys()].map((key) => [key, ring.serverOf(key).name] as const)
  expect(ours.filter(([key, server]) => server !== clientsOwn.get(key))).toEqual([])
}

/** Compares a client's own ring to one made with `options`, and to one made with what is read from the client. */
function expectPlacement(
  servers: List<RingServer>,
  clientOptions: object,
  options: Partial<RingOptions>,
  count = 300,
): void {
  const names = servers.map(({ name }) => name)
  const isPlain = servers.every(({ weight, vnodes }) => weight === undefined && vnodes === undefined)
  const shares = servers.map(({ name, ...share }) => [name, share] as const)
  const { client } = newClient(isPlain ? names : Object.fromEntries(shares), clientOptions)
  const clientsOwn = serversOf(client, keysFor(names).slice(0, count))
  expectSame(new Ring(servers, { ...RING_DEFAULTS, ...options }), clientsOwn)
  const read = placement(client, 'client')
  expect(read.ring).toEqual({ ...RING_DEFAULTS, ...options })
  expectSame(new Ring(read.servers, read.ring), clientsOwn)
}

describe("a key lies where the npm package memcached puts it, and a client's ring is read exactly", () => {
  it.each(Object.entries(SPELLINGS))('by default, for 1 to 12 servers %s', (_, spell) => {
    for (const count of numbers(12))
      expectPlacement(listOf(numbers(count + 1).map((n) => ({ name: spell(n) }))), {}, {}, KEYS.length)
  })

  const NO_PORT = { defaultPort: undefined }
  it.each<[clientOptions: object, options: Partial<RingOptions>]>([
    [{ algorithm: 'md5' }, {}],
    [{ algorithm: 'sha1' }, { algorithm: 'sha1' }],
    [{ algorithm: 'sha256' }, { algorithm: 'sha256' }],
    [{ compatibility: 'ketama' }, {}],
    [{ compatibility: 'hash_ring' }, { ...NO_PORT, compatibility: 'hash_ring' }],
    [{ compatibility: 'another' }, NO_PORT],
    [{ compatibility: '' }, NO_PORT],
    [
      { compatibility: '', compatiblity: 'hash_ring' },
      { ...NO_PORT, compatibility: 'hash_ring' },
    ],
    [
      { algorithm: 'sha512', compatibility: 'hash_ring' },
      { ...NO_PORT, algorithm: 'sha512', compatibility: 'hash_ring' },
    ],
  ])('with the options %o', (clientOptions, options) => {
    for (const spell of Object.values(SPELLINGS)) {
      for (const count of [2, 12]) {
        expectPlacement(listOf(numbers(count).map((n) => ({ name: spell(n) }))), clientOptions, options)
      }
    }
  })

  it.each<[shares: readonly Omit<RingServer, 'name'>[]]>([
    [[{ weight: 1 }, { weight: 2 }, { weight: 1 }]],
    [[{ weight: 1 }, { weight: 1000 }]],
    [[{ weight: 0.1 }, { weight: 0.2 }, { weight: 0.7 }]],
    [[{ vnodes: 1 }, {}, { vnodes: 100 }]],
    [[{ weight: 5, vnodes: 40 }, { weight: 1 }]],
    [[{ weight: 3, vnodes: 7 }, { weight: 2 }, { weight: 1 }]],
    [[{ vnodes: 2.5 }, { vnodes: 1 }]],
  ])('with the weights and numbers of vnodes %o', (shares) => {
    for (const spell of Object.values(SPELLINGS)) {
      expectPlacement(listOf(shares.map((share, n) => ({ ...share, name: spell(n) }))), {}, {})
    }
  })

  it('whatever the servers, weights and options are', () => {
    const host = fc.oneof(fc.ipV4(), fc.domain(), fc.ipV6())
    const port = fc.oneof(
      fc.constantFrom('', ':11211'),
      fc.nat(65_535).map((n) => `:${n}`),
    )
    const name = fc.tuple(host, port).map((parts) => parts.join(''))
    const weight = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0.01, max: 99, noNaN: true }))
    const share = fc.record({ weight, vnodes: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 60 })) })
    const servers = fc.uniqueArray(fc.tuple(name, share), { minLength: 1, maxLength: 12, selector: ([text]) => text })
    const algorithm = fc.constantFrom('md5', 'sha1', 'sha256')
    const compatibility = fc.constantFrom('ketama', 'hash_ring', '')
    const property = fc.property(servers, algorithm, compatibility, (its, hash, mode) => {
      const { client } = newClient(Object.fromEntries(its), { algorithm: hash, compatibility: mode })
      const ring = new Ring(listOf(its.map(([text, part]) => ({ name: text, ...part }))), {
        algorithm: hash,
        compatibility: mode === 'hash_ring' ? 'hash_ring' : 'ketama',
        vnodes: 40,
        defaultPort: mode === 'ketama' ? 11_211 : undefined,
      })
      expectSame(ring, serversOf(client, keysFor(its.map(([text]) => text)).slice(0, 100)))
    })
    fc.assert(property, { numRuns: 100 })
  })
})
