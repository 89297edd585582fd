import type { ClientStore, Entry } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { expectSame, expectThat, show } from '../breach.js'
import type { ClientClause } from '../case.js'
import { type ClientStage, SECRETS } from '../stage/client.js'
import { numbers, TEXTS, textOf } from '../stage/text.js'
import { expectFields } from './10-object.js'
import { expectOptionsChecked } from './option.js'

const EXPIRES_AT = 1_900_000_000_123
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function entry(data: string, expiresAt: number = EXPIRES_AT): Entry {
  return { data, expiresAt }
}

async function expectOpens(store: ClientStore, given: Entry, done: string): Promise<void> {
  const token = await store.seal(given)
  expectThat(typeof token === 'string' && token !== '', `seal: ${done}`, 'a token', token)
  expectSame(`open after seal: ${done}`, await store.open(token), { ...given, outdated: false })
}

/** Throws a `Breach` for the first token that does not open as null. */
async function expectNoneOpens(store: ClientStore, tokens: Iterable<string>, done: string): Promise<void> {
  for (const token of tokens) {
    const came = await store.open(token)
    expectThat(came === null, `open of ${done}`, 'null', came)
  }
}

/** Every token that differs from this one in one of the low seven bits of one character. */
function* bitFlips(token: string): Generator<string> {
  for (const at of numbers(token.length)) {
    for (const bit of numbers(7)) {
      const flipped = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit))
      yield token.slice(0, at) + flipped + token.slice(at + 1)
    }
  }
}

function* cutsAndInsertions(token: string): Generator<string> {
  for (const at of numbers(token.length)) {
    yield token.slice(0, at) + token.slice(at + 1)
    yield token.slice(0, at)
    yield token.slice(at + 1)
    yield `${token.slice(0, at)}A${token.slice(at)}`
  }
  yield token + token
  yield `${token}AAAA`
  yield `AAAA${token}`
}

/** Other spellings of the same bytes, if the token is in base64url or a similar encoding. */
function* respellings(token: string): Generator<string> {
  for (const padding of ['=', '==', '===', ' ', '\n', '\0', '.', '%3D']) {
    yield token + padding
    yield padding + token
    yield token.slice(0, 8) + padding + token.slice(8)
  }
  const others = [
    token.replaceAll('-', '+').replaceAll('_', '/'),
    encodeURIComponent(token),
    token.toUpperCase(),
    token.toLowerCase(),
  ]
  for (const other of others) if (other !== token) yield other
  // Some bits of the last character may be unused.
  for (const last of ALPHABET) if (!token.endsWith(last)) yield token.slice(0, -1) + last
}

function* swaps(one: string, other: string): Generator<string> {
  for (const at of numbers(one.length)) if (one.slice(at) !== other.slice(at)) yield one.slice(0, at) + other.slice(at)
}

const altered: Readonly<Record<string, (one: string, other: string) => Iterable<string>>> = {
  'a token with one bit flipped': bitFlips,
  'a token with characters dropped or added': cutsAndInsertions,
  'a token in another spelling': respellings,
  "a token with part of another's": (one, other) =>
    [...swaps(one, other)].filter((token) => token !== one && token !== other),
}

/** The clauses of a client store, in the order of the contract. */
export const client: readonly ClientClause[] = [
  {
    id: '8.1',
    says: 'Opening a sealed entry gives the same entry: data to the last code unit and expiresAt to the millisecond, for the same inputs as in 1.1.',
    cases: [
      {
        title: 'opens what it sealed: texts that encodings are known to alter',
        run: async (stage) => {
          const store = stage.open()
          for (const [name, data] of Object.entries(TEXTS)) await expectOpens(store, entry(data), name)
          await expectOpens(store, entry(textOf(store.maxBytes)), 'data of maxBytes')
        },
      },
      {
        title: 'opens what it sealed: random texts and expiries',
        run: async (stage) => {
          const store = stage.open()
          const entries = fc.record({
            data: fc.string({ unit: 'binary', maxLength: 100 }),
            expiresAt: fc.integer({ min: 1, max: 8.64e15 }),
          })
          for (const given of fc.sample(entries, 200)) await expectOpens(store, given, show(given))
          for (const expiresAt of [1, 8.64e15])
            await expectOpens(store, entry('data', expiresAt), `expiry ${expiresAt}`)
        },
      },
    ],
  },
  {
    id: '8.2',
    says: "A token with any one bit flipped, any byte dropped, added or swapped with another token's, or written in another spelling of its encoding (padding, whitespace, spare bits, another alphabet), opens as null.",
    cases: Object.entries(altered).map(([name, alter]) => ({
      title: `does not open ${name}`,
      run: async (stage: ClientStage) => {
        const store = stage.open()
        // These lengths leave different numbers of unused bits in the last character.
        for (const data of ['', 'a', 'ab', 'a session of some length']) {
          const [one, other] = [await store.seal(entry(data)), await store.seal(entry(data, EXPIRES_AT + 1))]
          await expectNoneOpens(store, alter(one, other), name)
        }
      },
    })),
  },
  {
    id: '8.3',
    says: 'A token that was sealed with another secret, or for another purpose (cookie name), opens as null.',
    cases: [
      {
        title: 'does not open a token that was sealed with another secret',
        run: async (stage) => {
          const token = await stage.open({ secrets: [SECRETS[0]] }).seal(entry('data'))
          expectSame('open with another secret', await stage.open({ secrets: [SECRETS[1]] }).open(token), null)
        },
      },
      {
        title: 'does not open a token that was sealed for another cookie',
        run: async (stage) => {
          const token = await stage.open({ name: 'one' }).seal(entry('data'))
          expectSame('open under the name of another cookie', await stage.open({ name: 'other' }).open(token), null)
          expectSame('open under the same name', (await stage.open({ name: 'one' }).open(token))?.data, 'data')
        },
      },
    ],
  },
  {
    id: '8.4',
    says: 'When secrets are rotated, the newest secret seals and every listed secret opens. A token sealed with an older listed secret opens with outdated set. A token sealed with a removed secret opens as null.',
    cases: [
      {
        title: 'seals with the newest secret and opens with each listed secret',
        run: async (stage) => {
          const [first, second, third] = SECRETS
          const given = entry('data')
          const sealedBy = async (secret: string) => stage.open({ secrets: [secret] }).seal(given)
          const rotated = stage.open({ secrets: [third, second] })
          const outdated = await rotated.open(await sealedBy(second))
          expectSame('open of a token sealed with an older listed secret', outdated, { ...given, outdated: true })
          const current = await rotated.open(await sealedBy(third))
          expectSame('open of a token sealed with the newest secret', current, { ...given, outdated: false })
          expectSame('open of a token sealed with a removed secret', await rotated.open(await sealedBy(first)), null)
          const sealed = await rotated.seal(given)
          const came = await stage.open({ secrets: [third] }).open(sealed)
          expectSame('open, with only the newest secret, of a token sealed after the rotation', came, {
            ...given,
            outdated: false,
          })
        },
      },
    ],
  },
  {
    id: '8.5',
    says: 'Sealing one entry twice gives two different tokens. No part of the data can be read from a token. The length of a token depends only on the length of the data (no compression).',
    cases: [
      {
        title: 'seals one entry to a different token each time',
        run: async (stage) => {
          const store = stage.open()
          const tokens = await Promise.all(numbers(100).map(async () => store.seal(entry('data'))))
          expectSame('the number of different tokens of one entry, sealed 100 times', new Set(tokens).size, 100)
        },
      },
      {
        title: 'shows nothing of the data in a token',
        run: async (stage) => {
          const data = 'what nobody may read'
          const token = await stage.open().seal(entry(data))
          for (const encoding of ['base64', 'hex', 'latin1'] as const) {
            const shown =
              Buffer.from(token, encoding).toString('latin1') + decodeURIComponent(token.replaceAll('%', '%25'))
            const isSeen = numbers(data.length - 4).some((at) => shown.includes(data.slice(at, at + 4)))
            expectThat(!isSeen, `a token, decoded as ${encoding}`, 'no part of the data', 'four characters of the data')
          }
        },
      },
      {
        title: 'makes tokens of equal length from data of equal length',
        run: async (stage) => {
          const store = stage.open()
          const texts = [
            'a'.repeat(600),
            fc.sample(fc.string({ minLength: 600, maxLength: 600, unit: 'grapheme-ascii' }), 1)[0] ?? '',
          ]
          const lengths = await Promise.all(texts.map(async (data) => (await store.seal(entry(data))).length))
          expectThat(
            lengths[0] === lengths[1],
            'the lengths of tokens of 600 equal bytes and of 600 random bytes',
            'equal lengths',
            lengths,
          )
        },
      },
    ],
  },
  {
    id: '8.6',
    says: 'A token uses only characters that a cookie value can contain unquoted, and form-decoding does not change it.',
    cases: [
      {
        title: 'makes tokens of cookie characters that form-decoding does not change',
        run: async (stage) => {
          const store = stage.open()
          for (const data of Object.values(TEXTS)) {
            const token = await store.seal(entry(data))
            // RFC 6265bis, cookie-octet.
            const isFit = /^[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]+$/.test(token)
            expectThat(isFit, 'a token', 'only characters that a cookie value can contain unquoted', token)
            expectSame('a token after form-decoding', decodeURIComponent(token.replaceAll('+', ' ')), token)
          }
        },
      },
    ],
  },
  {
    id: '8.7',
    says: 'maxBytes is accurate: data of that size seals into one cookie that browsers store. Core refuses larger data with TOO_LARGE, so a cookie is never truncated or silently dropped.',
    cases: [
      {
        title: 'seals data of maxBytes into one cookie',
        run: async (stage) => {
          for (const name of ['s', 'a-cookie-with-a-name-that-takes-some-of-the-space']) {
            const { maxValueLength } = stage.context(SECRETS, name).cookie
            const store = stage.open({ name })
            const token = await store.seal(entry(textOf(store.maxBytes), 8.64e15))
            const expected = `at most ${maxValueLength} characters`
            expectThat(
              token.length <= maxValueLength,
              `the length of a token of ${store.maxBytes} bytes`,
              expected,
              token.length,
            )
          }
        },
      },
    ],
  },
  {
    id: '8.8',
    says: 'Arbitrary strings open as null and never throw. A junk token costs no more than one failed key look-up.',
    cases: [
      {
        title: 'opens arbitrary strings as null and never throws',
        run: async (stage) => {
          const store = stage.open()
          const strings = [
            ...fc.sample(fc.string({ unit: 'binary', maxLength: 200 }), 3000),
            ...fc.sample(fc.base64String({ maxLength: 400 }), 3000),
            ...fc
              .sample(fc.array(fc.constantFrom(...ALPHABET.split('')), { maxLength: 200 }), 3000)
              .map((list) => list.join('')),
            '',
            ' ',
            'null',
            '__proto__',
            '\uD800',
            'a'.repeat(100_000),
            '%'.repeat(100),
          ]
          await expectNoneOpens(store, strings, 'an arbitrary string')
        },
      },
    ],
  },
  {
    id: '7.6',
    says: 'A bad or unknown option fails with INVALID_OPTION when the store is made. The message names the option, what was given and what is expected. It describes text by its kind only and never repeats its content. Secrets never appear in a message.',
    cases: [
      {
        title: 'refuses bad options when the store is made',
        run: async (stage) => expectOptionsChecked(stage.harness, stage.optionsOf(), (options) => stage.make(options)),
      },
    ],
  },
  {
    id: '10.1',
    says: 'A store has the fields and methods of its interface, with their types, and nothing else that core reads. maxBytes is a positive integer and accurate.',
    cases: [
      {
        title: 'has the fields and methods of a client store',
        run: async (stage) => expectFields(stage.open(), 'client', ['seal', 'open']),
      },
    ],
  },
]
