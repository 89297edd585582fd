import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { frame, newVersion } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, entry, failureOf, FAR, numbers, succeed } from '../../../tests/support/stores.ts'
import { sharedServer } from './support/server.ts'
import { newPrefix, openStore } from './support/stores.ts'
import { Wire } from './support/wire.ts'

const server = sharedServer()

const open = (prefix = newPrefix()) => openStore({ servers: server.address, prefix })

/** Text that a client of memcached could misread. */
const PROTOCOL = [
  '\r\n',
  '\r',
  '\n',
  '\\\r',
  '\\\n',
  '\\',
  'END',
  'END\r\n',
  '\r\nEND\r\n',
  'STORED\r\n',
  '\0',
  ' ',
  '',
]

describe('data', () => {
  it('1.1 is read back exactly, even if it contains words of the protocol', async () => {
    const store = open()
    const texts = [...PROTOCOL, ...PROTOCOL.map((text) => text + text), ...PROTOCOL.map((text) => `a${text}b`)]
    texts.push('\uFEFFa', '\u2028', '👩‍👩‍👧', 'VALUE x 0 1\r\na\r\nEND\r\n', 'SERVER_ERROR x\r\n', '1', 'true', '{"a":1}')
    for (const [n, data] of texts.entries()) {
      await succeed(store.create(`${n}`, entry(data)))
      expect((await store.read(`${n}`))?.data).toBe(data)
      const version = (await store.read(`${n}`))?.version ?? ''
      await succeed(store.update(`${n}`, entry(`${data}${data}`), version))
      expect((await store.read(`${n}`))?.data).toBe(`${data}${data}`)
    }
  })

  it('1.1 is read back exactly, for random data', async () => {
    const store = open()
    let key = 0
    const data = fc.string({ unit: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...PROTOCOL)) })
    await fc.assert(
      fc.asyncProperty(data, fc.integer({ min: FAR, max: 8.64e15 }), async (text, expiresAt) => {
        const version = await succeed(store.create(`${++key}`, entry(text, expiresAt)))
        expect(await store.read(`${key}`)).toEqual({ data: text, expiresAt, version })
      }),
      { numRuns: 300 },
    )
  })

  it.each(['x', '\n', '\0', 'é', '€', '😀'])(
    '1.1 of maxBytes made of %j fits with the longest key on a server with default settings',
    async (character) => {
      const store = openStore({ servers: server.address, prefix: 'p'.repeat(122), maxBytes: 1_048_000 })
      const data = character.repeat(1_048_000 / Buffer.byteLength(character))
      const key = `${character.codePointAt(0)}`.padEnd(128, 'k')
      const version = await succeed(store.create(key, { data, expiresAt: 8.64e15 }))
      await succeed(store.update(key, { data, expiresAt: 8.64e15 }, version))
      expect((await store.read(key))?.data === data).toBe(true)
      await store.destroy(key)
    },
  )

  it('2.4 of many sessions in parallel, large and small, does not mix', async () => {
    const store = open()
    const lengths = [0, 1, 250, 35_000, 80_000]
    const all = numbers(200).map((n) => String.fromCodePoint(0x3b1 + n).repeat(lengths[n % 5] ?? 0))
    await Promise.all(all.map((data, n) => store.create(`${n}`, entry(data))))
    const found = await Promise.all(all.map((_, n) => store.read(`${n}`)))
    expect(found.map((stored, n) => stored?.data === all[n])).toEqual(all.map(() => true))
  })
})

describe('7.3 a value that another program stored under a key', () => {
  const valid = frame(entry('data'), newVersion())
  const bytes = Buffer.from(valid)
  const foreign: Readonly<Record<string, string | Buffer>> = {
    nothing: '',
    text: 'hello',
    'a number': '42',
    JSON: '{"a":1}',
    'a line break': 'a\r\nb',
    'line breaks alone': '\r\n\r\n\r\n',
    'the end of a reply': 'a\r\nEND\r\nb',
    'the end of a reply alone': 'END',
    "another session's reply": `x\r\nEND\r\nVALUE other 0 ${bytes.length}\r\n${valid}\r\nEND`,
    'a megabyte': 'x'.repeat(1_048_000),
    'a truncated entry': valid.slice(0, 20),
    'an entry that begins late': ` ${valid}`,
    'an entry with another line before': `\r\n${valid}`,
    'an entry with a byte that no UTF-8 has': Buffer.concat([bytes, Buffer.of(0xff)]),
    'an entry with half a character': Buffer.concat([bytes, Buffer.of(0xc3)]),
    'an entry with a lone surrogate': Buffer.concat([bytes, Buffer.of(0xed, 0xa0, 0x80)]),
  }

  it.each(Object.entries(foreign))(
    '%s: is CORRUPT, refuses writes, can be destroyed, and affects no other session',
    async (_, value) => {
      const prefix = newPrefix()
      const store = open(prefix)
      const wire = await Wire.open(server.port)
      const mine = await succeed(store.create('mine', entry('mine')))
      for (const flags of [0, 1, 2, 4, 8, 4_294_967_295]) {
        await wire.put(`${prefix}key`, value, flags)
        const calls = [
          failureOf(store.read('key')),
          store.create('key', entry('new')),
          store.update('key', entry('new'), ''),
          store.update('key', entry('new'), Buffer.from(value).toString().slice(0, 16)),
          store.read('mine'),
        ] as const
        const [error, ...others] = await Promise.all(calls)
        expect(error.code).toBe('CORRUPT')
        expect(others.slice(0, 2)).toEqual([null, null])
        expect(others[3]).toEqual({ ...entry('mine'), version: mine })
      }
      await store.destroy('key')
      expect(await store.read('key')).toBeNull()
      await succeed(store.create('key', entry('new')))
    },
  )

  it('is CORRUPT ten thousand times, while sessions are read in between', async () => {
    const prefix = newPrefix()
    const store = open(prefix)
    const wire = await Wire.open(server.port)
    const mine = await succeed(store.create('mine', entry('mine')))
    const other = frame(entry('of another'), newVersion())
    const parts = [
      ...PROTOCOL,
      'VALUE ',
      `${prefix}mine`,
      other,
      other.slice(0, 16),
      '0 4',
      ':',
      '9'.repeat(17),
      '\xff',
    ]
    const hostile = fc
      .array(fc.oneof(fc.constantFrom(...parts), fc.string({ unit: 'binary', maxLength: 40 })), { maxLength: 12 })
      .map((chosen) => Buffer.from(chosen.join(''), 'latin1'))
      // A value that begins like an entry is one.
      .filter((value) => !/^[\w-]{16}[1-9]\d{0,15}:/.test(value.toString('latin1')))
    const values = fc.sample(fc.tuple(hostile, fc.nat(16)), { numRuns: 10_000, seed: 1 })
    for (let start = 0; start < values.length; start += 100) {
      const batch = values.slice(start, start + 100)
      for (const [n, [value, flags]] of batch.entries()) await wire.put(`${prefix}${n}`, value, flags)
      const codes = batch.map((_, n) => codeOf(store.read(`${n}`)))
      const reads = batch.map(() => store.read('mine'))
      expect(new Set(await Promise.all(codes))).toEqual(new Set(['CORRUPT']))
      for (const found of await Promise.all(reads)) expect(found).toEqual({ ...entry('mine'), version: mine })
      await turn()
    }
  })

  it('is shown in no error', async () => {
    const prefix = newPrefix()
    const store = open(prefix)
    const wire = await Wire.open(server.port)
    await wire.put(`${prefix}key`, 'hunter2')
    expect(inspect(await failureOf(store.read('key')), { depth: 9, showHidden: true })).not.toContain('hunter2')
  })
})

describe('an entry that the server refuses', () => {
  const small = sharedServer('-I', '512k')

  it('is UNAVAILABLE, leaves the old entry intact, and affects no other session', async () => {
    const store = openStore({ servers: small.address, maxBytes: 1_048_000 })
    const version = await succeed(store.create('key', entry('old')))
    await succeed(store.create('other', entry('other')))
    const large = entry('x'.repeat(600_000))
    for (const _ of numbers(20)) {
      const refused = [codeOf(store.update('key', large, version)), codeOf(store.create('new', large))]
      const read = await Promise.all([store.read('key'), store.read('other'), store.read('new')])
      expect(read).toMatchObject([{ data: 'old', version }, { data: 'other' }, null])
      expect(await Promise.all(refused)).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
    }
    await succeed(store.update('key', entry('new'), version))
  })

  it('fails with the reason, and no error shows any of it', async () => {
    const store = openStore({ servers: small.address, maxBytes: 1_048_000 })
    const error = await failureOf(store.create('key', entry('hunter2'.repeat(100_000))))
    expect(error.cause).toMatchObject({ message: 'SERVER_ERROR object too large for cache' })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2')
  })
})
