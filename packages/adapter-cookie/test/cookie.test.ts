import { createAdapterContext, type Entry } from '@sess/core/adapter'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Nonce, Xaes256Gcm } from '../src/xaes.ts'
import { numbers, SECRET } from '../../../tests/support/stores.ts'
import { entry, openStore, openWith } from './stores.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const OVERHEAD = 52

const store = openStore()
const context = createAdapterContext({ secret: SECRET })

async function seal(sealed: Entry = entry): Promise<string> {
  return store.seal(sealed)
}

const decode = (token: string): Buffer => Buffer.from(token, 'base64url')

describe('in addition to the contract', () => {
  it.each(['sess2', 'ses', 'Sess', 'se', 'x'])('8.3 opens no token of a cookie named %s', async (name) => {
    const token = await openStore(SECRET, name).seal(entry)
    expect(await store.open(token)).toBeNull()
    expect(await openStore(SECRET, name).open(token)).not.toBeNull()
  })

  it('8.3 opens the token of a cookie with its prefix or without', async () => {
    expect(await store.open(await openStore(SECRET, '__Host-sess').seal(entry))).toMatchObject(entry)
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
    // No run of 8 bytes occurs twice in the nonces: none repeats and no two overlap.
    const windows = bytes.flatMap((token) => numbers(17).map((at) => token.toString('latin1', 4 + at, 12 + at)))
    expect(new Set(windows).size).toBe(17 * tokens.length)
    for (const at of numbers(OVERHEAD).slice(4))
      expect(new Set(bytes.map((token) => token[at])).size).toBeGreaterThan(200)
  })

  it('8.5 makes tokens of the format that the README states', async () => {
    const [[key], [hintKey]] = [context.keys('cookie-seal'), context.keys('cookie-hint')]
    if (key === undefined || hintKey === undefined) throw new Error('the context has no keys')
    const hint = Buffer.from(hintKey.subarray(0, 4))
    const bytes = decode(await seal())
    const decipher = new Xaes256Gcm(key)
      .decipher(new Nonce(bytes.subarray(4, 28)))
      .setAAD(Buffer.concat([Buffer.from('sess/cookie/1/'), hint, Buffer.from('sess')]))
      .setAuthTag(bytes.subarray(-16))
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(28, -16)), decipher.final()])
    expect(bytes.subarray(0, 4)).toEqual(hint)
    expect(plaintext.readBigUInt64BE()).toBe(BigInt(entry.expiresAt))
    expect(plaintext.toString('utf8', 8)).toBe(entry.data)
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

  it('8.8 spends no decryption on junk, however many secrets there are', async () => {
    const rotated = openStore(numbers(8).map((n) => `${n} is the number of this secret of 32 bytes`))
    const token = await rotated.seal({ ...entry, data: 'x'.repeat(200) })
    const junk = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`
    const decipher = vi.spyOn(crypto, 'createDecipheriv')
    syncBuiltinESMExports()
    onTestFinished(() => {
      decipher.mockRestore()
      syncBuiltinESMExports()
    })
    expect(rotated.open(junk)).toBeNull()
    expect(decipher).not.toHaveBeenCalled()
    expect(rotated.open(token)).not.toBeNull()
    expect(decipher).toHaveBeenCalledOnce()
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

  it.each([1, 100, 2900])('takes data of maxBytes: %d', async (maxBytes) => {
    expect(openWith({ maxBytes }, context).maxBytes).toBe(maxBytes)
  })

  it('opens a token that was sealed when maxBytes was larger', async () => {
    const data = 'x'.repeat(store.maxBytes)
    expect(await openWith({ maxBytes: 100 }, context).open(await seal({ ...entry, data }))).toMatchObject({ data })
  })

  it.each([0, -1, 1.5, Number.NaN, '2000', null])('7.6 refuses %j for maxBytes', (maxBytes) => {
    expect(() => openWith({ maxBytes }, context)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  it('7.6 refuses a maxBytes above what fits into a cookie, and says how much does', () => {
    const most = store.maxBytes
    expect(openWith({ maxBytes: most }, context).maxBytes).toBe(most)
    expect(() => openWith({ maxBytes: most + 1 }, context)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: `Option adapter-cookie.maxBytes is ${most + 1}; expected an integer from 1 to ${most}.`,
      }),
    )
  })

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
})
