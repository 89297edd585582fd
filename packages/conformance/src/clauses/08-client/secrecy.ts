import type { ClientStore } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { Breach, expectSame, expectThat, show } from '../../breach.js'
import type { ClientClause } from '../../case.js'
import { numbers } from '../../stage/text.js'
import { entry, EXPIRES_AT, LATEST } from './entry.js'

const DATA = 'what nobody may read'

/** Texts of the same length, each of which differs from the others in every character. */
function differentTexts(length: number): readonly string[] {
  const text = DATA.repeat(Math.ceil(length / DATA.length)).slice(0, length)
  const shifted = (by: number) => Buffer.from(Buffer.from(text).map((code) => 32 + ((code - 32 + by) % 95))).toString()
  return [0, 1, 37].map(shifted)
}

/** How often each text is sealed: a random bit is the same each time once in 2 to the 59. */
const ROUNDS = 60

/**
 * Asserts that no character of a token depends on the data alone. Such a character takes other values for one text than
 * for another, each time that they are sealed.
 */
async function expectHidden(store: ClientStore, texts: readonly string[]): Promise<void> {
  const seen = texts.map((data): { data: string; tokens: string[] } => ({ data, tokens: [] }))
  for (const round of numbers(ROUNDS)) {
    // The order changes, since a token may show the time or a number.
    const first = round % seen.length
    for (const { data, tokens } of [...seen.slice(first), ...seen.slice(0, first)])
      tokens.push(await store.seal(entry(data)))
  }
  const length = Math.min(...seen.flatMap(({ tokens }) => tokens.map((token) => token.length)))
  for (const at of [...numbers(length), ...numbers(length).map((n) => -n - 1)]) {
    const [one = [], ...others] = seen.map(({ tokens }) => tokens.map((token) => token.at(at)))
    const isShared = (other: readonly unknown[]) => one.some((character) => other.includes(character))
    if (others.every(isShared)) continue
    const place = at < 0 ? `character ${-at} from the end` : `character ${at + 1}`
    const done = `${place} of tokens of data of ${texts[0]?.length ?? 0} bytes`
    throw new Breach(done, 'no part of the data', 'one that depends on the data, and not on chance')
  }
}

/** A nonce that is unique by a random start has fewer zeros beside its counter. */
const ZEROS_OF_PLAIN_COUNTER = 8
/** How many bytes of a counter may have counted already. */
const USED = 4

/**
 * Whether a byte of these tokens, which were sealed one after the other, counts beside bytes that are always zero. It
 * decodes base64url and hexadecimal digits, and finds no counter in other encodings.
 */
function hasPlainCounter(tokens: readonly string[]): boolean {
  const encoding = tokens.every((token) => /^[\da-f]+$/i.test(token)) ? 'hex' : 'base64url'
  const decoded = tokens.map((token) => Buffer.concat(token.split('.').map((part) => Buffer.from(part, encoding))))
  const [first = Buffer.alloc(0)] = decoded
  const isZero = (at: number) => decoded.every((bytes) => bytes[at] === 0)
  const areZero = (from: number) => numbers(ZEROS_OF_PLAIN_COUNTER).every((n) => isZero(from + n))
  const counts = (at: number) => decoded.every((bytes, count) => bytes[at] === ((first[at] ?? 0) + count) % 256)
  return [...first.keys()].some(
    (at) =>
      counts(at) && numbers(USED).some((used) => areZero(at - used - ZEROS_OF_PLAIN_COUNTER) || areZero(at + used + 1)),
  )
}

async function expectEqualLengths(store: ClientStore, bytes: number): Promise<void> {
  const random = fc.sample(fc.string({ minLength: bytes, maxLength: bytes, unit: 'grapheme-ascii' }), 1)
  const units = ['a', '0', '"', '\\', '\n', '\0', '%', ' ', '<', '\u00E9', '\u2028', '\u{1F44D}']
  const repeated = units.map((unit) => unit.repeat(bytes / Buffer.byteLength(unit)))
  const tokens = [...random, ...repeated].flatMap((data) =>
    [1, EXPIRES_AT, LATEST].map(async (expiresAt) => store.seal(entry(data, expiresAt))),
  )
  const lengths = (await Promise.all(tokens)).map((token) => token.length)
  const done = `the lengths of tokens of ${bytes} bytes of different data and with different expiries`
  expectThat(new Set(lengths).size === 1, done, 'equal lengths', show([...new Set(lengths)]))
}

export const secrecy: ClientClause = {
  id: '8.5',
  says: 'Sealing one entry twice gives two different tokens, also in two instances or processes. No part of the data can be read from a token. The length of a token depends only on the length of the data (no compression).',
  cases: [
    {
      title: 'seals one entry to a different token each time',
      run: async (stage) => {
        const store = stage.open()
        for (const [data, times] of [
          ['data', 2000],
          ['', 20],
          ['x'.repeat(Math.min(1000, store.maxBytes)), 20],
        ] as const) {
          const tokens = await Promise.all(numbers(times).map(async () => store.seal(entry(data))))
          const done = `the number of different tokens of one entry of ${data.length} bytes, sealed ${times} times`
          expectSame(done, new Set(tokens).size, times)
        }
      },
    },
    {
      title: 'seals one entry to a different token in each instance',
      run: async (stage) => {
        // Many are made in one millisecond.
        const stores = numbers(100).map(() => stage.open())
        const tokens = await Promise.all(
          stores.flatMap((store) => numbers(2).map(async () => store.seal(entry('data')))),
        )
        const done = 'the number of different tokens of one entry, sealed twice by each of 100 instances'
        expectSame(done, new Set(tokens).size, tokens.length)
      },
    },
    {
      title: 'does not count its nonces from zero, as another process would again',
      run: async (stage) => {
        const store = stage.open()
        const tokens = await Promise.all(numbers(100).map(async (n) => store.seal(entry('data', n + 1))))
        const done = 'the bytes of 100 tokens, sealed one after the other'
        expectThat(!hasPlainCounter(tokens), done, 'no nonce that counts', 'a number that counts, from zero')
      },
    },
    {
      title: 'shows nothing of the data in a token',
      run: async (stage) => {
        const store = stage.open()
        for (const length of [1, DATA.length, Math.min(1500, store.maxBytes)])
          await expectHidden(store, differentTexts(length))
      },
    },
    {
      title: 'makes tokens of equal length from data of equal length',
      run: async (stage) => {
        const store = stage.open()
        // Multiples of the lengths of all characters.
        for (const bytes of [24, 600, store.maxBytes])
          await expectEqualLengths(store, Math.floor(Math.min(bytes, store.maxBytes) / 12) * 12)
      },
    },
  ],
}
