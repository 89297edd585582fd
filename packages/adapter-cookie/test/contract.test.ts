import { createAdapterContext, type Entry } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Xaes256Gcm } from '../dist/xaes.js'
import { entry, OLD_SECRET, openStore, openWith, SECRET } from './stores.js'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const LETTERS: readonly string[] = ALPHABET.split('')
const OVERHEAD = 52

const store = openStore()
const context = createAdapterContext({ secret: SECRET })
const numbers = (count: number): readonly number[] => [...Array(count).keys()]

async function seal(sealed: Entry = entry): Promise<string> {
  return store.seal(sealed)
}

/** Those of `tokens` that open, which must be none. */
async function opened(tokens: Iterable<string>): Promise<readonly string[]> {
  const found: string[] = []
  for (const token of tokens) if ((await store.open(token)) !== null) found.push(token)
  return found
}

const decode = (token: string): Buffer => Buffer.from(token, 'base64url')
const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const splice = (bytes: Buffer, at: number, removed: number, ...inserted: readonly number[]): Buffer =>
  Buffer.concat([bytes.subarray(0, at), Buffer.from(inserted), bytes.subarray(at + removed)])

describe('8 client stores', () => {
  it('8.1 opens what it sealed, exactly', async () => {
    const texts = [
      '',
      'a',
      'a\0b',
      '\r\n\n\r',
      `"'\`\\`,
      '👩‍👩‍👧 é é',
      '\u2028\u2029',
      '\uFEFFa',
      '{"__proto__":{"a":1}}',
      'END\r\n',
      'x'.repeat(store.maxBytes),
    ]
    for (const data of texts) {
      for (const expiresAt of [1, 2 ** 32 - 1, 2 ** 32, 1_700_000_000_123, 2 ** 31 * 1000, 8.64e15]) {
        expect(await store.open(await seal({ data, expiresAt }))).toEqual({ data, expiresAt, outdated: false })
      }
    }
  })

  it('8.1 opens what it sealed, for any data and any expiry', async () => {
    const expiries = fc.integer({ min: 1, max: 8.64e15 })
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), expiries, async (data, expiresAt) => {
        expect(await store.open(await seal({ data, expiresAt }))).toEqual({ data, expiresAt, outdated: false })
      }),
      { numRuns: 500 },
    )
  })

  // Three lengths, since base64 ends differently after each.
  const lengths = [0, 100, 101]

  it.each(lengths)('8.2 opens no token with one bit flipped: %d bytes of data', async (length) => {
    const token = await seal({ ...entry, data: 'x'.repeat(length) })
    const bytes = decode(token)
    const flips = numbers(bytes.length * 8).map((bit) => {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      return encode(flipped)
    })
    expect(await opened(flips)).toEqual([])
    const letterFlips = numbers(token.length * 8).map((bit) => {
      const at = bit >> 3
      return token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) ^ (1 << (bit & 7))) + token.slice(at + 1)
    })
    expect(await opened(letterFlips)).toEqual([])
    expect(await opened([token])).toEqual([token])
  })

  it.each(lengths)('8.2 opens no token with one letter replaced: %d bytes of data', async (length) => {
    const token = await seal({ ...entry, data: 'x'.repeat(length) })
    const replaced = numbers(token.length).flatMap((at) =>
      LETTERS.filter((letter) => letter !== token[at]).map(
        (letter) => token.slice(0, at) + letter + token.slice(at + 1),
      ),
    )
    expect(replaced).toHaveLength(token.length * 63)
    expect(await opened(replaced)).toEqual([])
  })

  it.each(lengths)('8.2 opens no token with bytes dropped or added: %d bytes of data', async (length) => {
    const token = await seal({ ...entry, data: 'x'.repeat(length) })
    const bytes = decode(token)
    const places = numbers(bytes.length + 1)
    const dropped = places.slice(1).map((at) => encode(splice(bytes, at - 1, 1)))
    const added = places.flatMap((at) => [0, 1, 127, 255].map((byte) => encode(splice(bytes, at, 0, byte))))
    const cut = numbers(token.length).flatMap((at) => [token.slice(0, at), token.slice(at + 1)])
    const letters = numbers(token.length + 1).map((at) => `${token.slice(0, at)}A${token.slice(at)}`)
    expect(await opened([...dropped, ...added, ...cut, ...letters])).toEqual([])
  })

  it('8.2 opens no token mixed of two', async () => {
    const [one, other] = [
      decode(await seal({ ...entry, data: 'aaaaaaaa' })),
      decode(await seal({ ...entry, data: 'bbbbbbbb' })),
    ]
    const mixed = numbers(one.length)
      .slice(5)
      .map((at) => Buffer.concat([one.subarray(0, at), other.subarray(at)]))
    const swapped = numbers(one.length)
      .filter((at) => one[at] !== other[at])
      .map((at) => splice(one, at, 1, other.readUInt8(at)))
    const doubled = [Buffer.concat([one, other]), Buffer.concat([one, one])]
    expect(await opened([...mixed, ...swapped, ...doubled].map(encode))).toEqual([])
  })

  it.each(lengths)('8.2 opens no token in another spelling: %d bytes of data', async (length) => {
    const token = await seal({ ...entry, data: 'x'.repeat(length) })
    const bytes = decode(token)
    const spellings = new Set([
      `${token}=`,
      `${token}==`,
      `${token}===`,
      `=${token}`,
      `${token}.`,
      `"${token}"`,
      `${token}\0`,
      `${token}\u{1F36A}`,
      bytes.toString('base64'),
      bytes.toString('base64').replaceAll('=', ''),
      bytes.toString('hex'),
      encodeURIComponent(`${token}=`),
      token.toLowerCase(),
      token.toUpperCase(),
    ])
    for (const blank of [' ', '\n', '\t', '\r\n', '\u00A0', '=', '.', '%20', '+']) {
      for (const at of numbers(token.length + 1)) spellings.add(token.slice(0, at) + blank + token.slice(at))
    }
    // The decoder looks at the low bits of a code unit alone.
    for (const at of numbers(token.length)) {
      spellings.add(token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) + 256) + token.slice(at + 1))
    }
    for (const letter of LETTERS) spellings.add(token.slice(0, -1) + letter)
    spellings.delete(token)
    expect(await opened(spellings)).toEqual([])
  })

  it('8.3 opens no token of another secret', async () => {
    const token = await openStore(OLD_SECRET).seal(entry)
    expect(await store.open(token)).toBeNull()
    expect(await openStore(OLD_SECRET).open(token)).not.toBeNull()
  })

  it.each(['sess2', 'ses', 'Sess', 'se', 'x'])('8.3 opens no token of a cookie named %s', async (name) => {
    const token = await openStore(SECRET, name).seal(entry)
    expect(await store.open(token)).toBeNull()
    expect(await openStore(SECRET, name).open(token)).not.toBeNull()
  })

  it('8.3 opens the token of a cookie with its prefix or without', async () => {
    expect(await store.open(await openStore(SECRET, '__Host-sess').seal(entry))).toMatchObject(entry)
  })

  it('8.4 seals with the newest secret and opens with every one listed', async () => {
    const [old, rotated, removed] = [openStore(OLD_SECRET), openStore([SECRET, OLD_SECRET]), openStore(SECRET)]
    const [oldToken, newToken] = [await old.seal(entry), await rotated.seal(entry)]
    expect(await old.open(oldToken)).toEqual({ ...entry, outdated: false })
    expect(await rotated.open(oldToken)).toEqual({ ...entry, outdated: true })
    expect(await rotated.open(newToken)).toEqual({ ...entry, outdated: false })
    expect(await removed.open(newToken)).toEqual({ ...entry, outdated: false })
    expect(await removed.open(oldToken)).toBeNull()
    expect(await old.open(newToken)).toBeNull()
  })

  it('8.4 finds the key of each of many secrets', async () => {
    const secrets = numbers(12).map((n) => `${n} is the number of this secret of 32 bytes`)
    const rotated = openStore(secrets)
    for (const [n, secret] of secrets.entries()) {
      expect(await rotated.open(await openStore(secret).seal(entry))).toEqual({ ...entry, outdated: n > 0 })
    }
  })

  it('8.5 seals one entry into a different token each time, with nothing but the hint in common', async () => {
    const tokens = await Promise.all(numbers(10_000).map(() => seal()))
    expect(new Set(tokens).size).toBe(tokens.length)
    expect(new Set(tokens.map((token) => token.slice(0, 5))).size).toBe(1)
    const bytes = tokens.map(decode)
    // No two nonces are equal, nor do they overlap.
    const windows = bytes.flatMap((token) => numbers(17).map((at) => token.toString('latin1', 4 + at, 12 + at)))
    expect(new Set(windows).size).toBe(17 * tokens.length)
    for (const at of numbers(OVERHEAD).slice(4))
      expect(new Set(bytes.map((token) => token[at])).size).toBeGreaterThan(200)
  })

  it('8.5 shows no part of the data', async () => {
    const plain = Buffer.from(entry.data)
    const sealed = decode(await seal())
    for (const at of numbers(plain.length - 3)) expect(sealed.includes(plain.subarray(at, at + 4))).toBe(false)
  })

  it('8.5 makes tokens of the format that the README states', async () => {
    const [[key], [hintKey]] = [context.keys('cookie-seal'), context.keys('cookie-hint')]
    if (key === undefined || hintKey === undefined) throw new Error('the context has no keys')
    const hint = Buffer.from(hintKey.subarray(0, 4))
    const bytes = decode(await seal())
    const decipher = new Xaes256Gcm(key)
      .decipher(bytes.subarray(4, 28))
      .setAAD(Buffer.concat([Buffer.from('sess/cookie/1/'), hint, Buffer.from('sess')]))
      .setAuthTag(bytes.subarray(-16))
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(28, -16)), decipher.final()])
    expect(bytes.subarray(0, 4)).toEqual(hint)
    expect(plaintext.readBigUInt64BE()).toBe(BigInt(entry.expiresAt))
    expect(plaintext.toString('utf8', 8)).toBe(entry.data)
  })

  it('8.5 makes tokens whose length depends on that of the data alone', async () => {
    for (const length of [...numbers(100), 500, 1000, 2000, store.maxBytes]) {
      const expected = Math.ceil(((length + OVERHEAD) * 4) / 3)
      for (const data of ['a'.repeat(length), 'ab01'.repeat(length).slice(0, length), '\0'.repeat(length)]) {
        for (const expiresAt of [1, 8.64e15]) expect(await seal({ data, expiresAt })).toHaveLength(expected)
      }
    }
    expect(await seal({ ...entry, data: 'é'.repeat(10) })).toHaveLength(Math.ceil(((20 + OVERHEAD) * 4) / 3))
  })

  it('8.6 uses characters that a cookie holds unquoted and that survive form-decoding', async () => {
    for (const length of numbers(300)) {
      const token = await seal({ ...entry, data: 'x'.repeat(length) })
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(new URLSearchParams(`sess=${token}`).get('sess')).toBe(token)
      expect(decodeURIComponent(token)).toBe(token)
    }
  })

  it.each([
    ['a short name', { name: 's' }],
    ['a name one longer', { name: 'ss' }],
    ['a name two longer', { name: 'sss' }],
    ['a name three longer', { name: 'ssss' }],
    ['a name of 128', { name: 's'.repeat(128) }],
    ['a domain and a path', { domain: 'accounts.example.com', path: '/account/settings' }],
  ])('8.7 has an honest maxBytes, to the byte: %s', async (_, cookie) => {
    const sizing = createAdapterContext({ secret: SECRET, cookie })
    const sized = openWith({}, sizing)
    const { maxValueLength } = sizing.cookie
    for (const data of ['x'.repeat(sized.maxBytes), 'é'.repeat(sized.maxBytes / 2)]) {
      const token = await sized.seal({ ...entry, data })
      expect(token.length).toBeLessThanOrEqual(maxValueLength)
      expect(await sized.open(token)).toMatchObject({ data })
    }
    const tooLong = await sized.seal({ ...entry, data: 'x'.repeat(sized.maxBytes + 1) })
    expect(tooLong.length).toBeGreaterThan(maxValueLength)
    expect(await sized.open(tooLong)).toBeNull()
  })

  it('8.8 opens none of a million junk tokens', { timeout: 120_000 }, async () => {
    const hint = (await seal()).slice(0, 5)
    let state = 1
    const below = (bound: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * bound)
    }
    const junkOf = (alphabet: string): string =>
      numbers(100_000)
        .map(() => alphabet.charAt(below(alphabet.length)))
        .join('')
    const narrow = junkOf(ALPHABET)
    const broad = junkOf(`${ALPHABET}+/=.%"; \0\r\n\u00E9\uD83C\uDF6A\uFEFF\u2028`)
    let found = 0
    for (let n = 0; n < 1_000_000; n++) {
      const at = below(99_000)
      const junk = (n % 4 === 0 ? broad : narrow).slice(at, at + below(n % 100 === 0 ? 1000 : 100))
      if (store.open(n % 40 === 0 ? hint + junk : junk) !== null) found++
    }
    expect(found).toBe(0)
  })

  it('8.8 opens no arbitrary string', async () => {
    const units = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))
    const letters = fc.constantFrom(...LETTERS)
    const hint = (await seal()).slice(0, 6)
    const strings = fc.oneof(
      fc.string({ unit: units, maxLength: 6000 }),
      fc.string({ unit: letters, maxLength: 6000 }),
      fc.string({ unit: letters, maxLength: 6000 }).map((rest) => hint + rest),
    )
    await fc.assert(
      fc.asyncProperty(strings, async (token) => {
        expect(await store.open(token)).toBeNull()
      }),
      { numRuns: 3000 },
    )
    expect(await opened(['', '\0', '__proto__', 'null', 'A'.repeat(70), 'A'.repeat(10_000_000)])).toEqual([])
  })

  it('8.8 spends no decryption on junk, however many secrets there are', async () => {
    const rotated = openStore(numbers(8).map((n) => `${n} is the number of this secret of 32 bytes`))
    const token = await rotated.seal({ ...entry, data: 'x'.repeat(200) })
    const junk = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`
    const millisecondsFor = (text: string): number => {
      const began = performance.now()
      for (const _ of numbers(2000)) void rotated.open(text)
      return performance.now() - began
    }
    const best = (text: string): number => Math.min(...numbers(7).map(() => millisecondsFor(text)))
    expect(best(junk)).toBeLessThan(best(token) / 3)
  })
})

describe('7 failure', () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['an array', []],
    ['a string of 7 characters', 'hunter2'],
    ['5', 5],
  ])('7.6 refuses options that are %s', (given, options) => {
    const open = () => openWith(options, context)
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(`is ${given}; expected an object of options`)
  })

  it('7.6 refuses an option that it does not know, and does not repeat its value', () => {
    const open = () => openWith({ compress: 'hunter2' }, context)
    expect(open).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(open).toThrow(/compress/)
    expect(open).not.toThrow(/hunter2/)
  })

  it('7.6 refuses a cookie that leaves no room, and a context without a secret', () => {
    const narrow = { ...context, cookie: { name: 'sess', maxValueLength: 70 } }
    expect(() => openWith({}, narrow)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(openWith({}, { ...context, cookie: { name: 'sess', maxValueLength: 71 } }).maxBytes).toBe(1)
    const bare = { ...context, keys: () => [] }
    expect(() => openWith({}, bare)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})

describe('10 the object', () => {
  it('10.1 has the fields and methods of its interface', () => {
    expect(store).toEqual({
      contract: 1,
      kind: 'client',
      name: 'cookie',
      maxBytes: expect.any(Number),
      seal: expect.any(Function),
      open: expect.any(Function),
    })
    expect(store.maxBytes).toBeGreaterThan(2800)
    expect(Number.isSafeInteger(store.maxBytes)).toBe(true)
  })
})
