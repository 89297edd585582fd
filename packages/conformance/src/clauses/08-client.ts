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
  expectThat(typeof token === 'string' && token !== '', `seal of ${done}`, 'a token', token)
  expectSame(`open of the sealed ${done}`, await store.open(token), { ...given, outdated: false })
}

/** Throws for the first token that opens as anything but null. */
async function expectNoneOpens(store: ClientStore, tokens: Iterable<string>, done: string): Promise<void> {
  for (const token of tokens) {
    const came = await store.open(token)
    expectThat(came === null, `open of ${done}`, 'null', came)
  }
}

/** Every token that differs from this one in one bit of one character, as far as characters go. */
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

/** The same bytes in another spelling, where the token is in base64url or the like. */
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
  // Of the last character some bits may say nothing.
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
    says: 'open(seal(e)) equals e, over the same inputs as 1.1.',
    cases: [
      {
        title: 'opens what it sealed: the texts that encodings alter',
        run: async (stage) => {
          const store = stage.open()
          for (const [name, data] of Object.entries(TEXTS)) await expectOpens(store, entry(data), name)
          await expectOpens(store, entry(textOf(store.maxBytes)), 'data of maxBytes')
        },
      },
      {
        title: 'opens what it sealed: texts and expiries made at random',
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
    says: "A token with any one bit flipped, any byte dropped, added or swapped with another token's, or written in another spelling of its encoding, opens as null.",
    cases: Object.entries(altered).map(([name, alter]) => ({
      title: `does not open ${name}`,
      run: async (stage: ClientStage) => {
        const store = stage.open()
        // Of lengths that leave different bits over at the end.
        for (const data of ['', 'a', 'ab', 'a session of some length']) {
          const [one, other] = [await store.seal(entry(data)), await store.seal(entry(data, EXPIRES_AT + 1))]
          await expectNoneOpens(store, alter(one, other), name)
        }
      },
    })),
  },
  {
    id: '8.3',
    says: 'Another secret, or another purpose (cookie name), opens as null.',
    cases: [
      {
        title: 'does not open a token of another secret',
        run: async (stage) => {
          const token = await stage.open({ secrets: [SECRETS[0]] }).seal(entry('data'))
          expectSame('open with another secret', await stage.open({ secrets: [SECRETS[1]] }).open(token), null)
        },
      },
      {
        title: 'does not open a token of another cookie',
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
    says: 'A rotated secret: the newest seals, every listed one opens, an older one says outdated, a removed one does not open.',
    cases: [
      {
        title: 'seals with the newest secret and opens with each that is listed',
        run: async (stage) => {
          const [first, second, third] = SECRETS
          const given = entry('data')
          const sealedBy = async (secret: string) => stage.open({ secrets: [secret] }).seal(given)
          const rotated = stage.open({ secrets: [third, second] })
          const outdated = await rotated.open(await sealedBy(second))
          expectSame('open of a token of an older secret that is listed', outdated, { ...given, outdated: true })
          const current = await rotated.open(await sealedBy(third))
          expectSame('open of a token of the newest secret', current, { ...given, outdated: false })
          expectSame('open of a token of a secret that was removed', await rotated.open(await sealedBy(first)), null)
          const sealed = await rotated.seal(given)
          const came = await stage.open({ secrets: [third] }).open(sealed)
          expectSame('open, with the newest secret alone, of what was sealed', came, { ...given, outdated: false })
        },
      },
    ],
  },
  {
    id: '8.5',
    says: "Sealing one entry twice gives two different tokens; no part of the data can be read from a token, and its length depends on the data's length alone.",
    cases: [
      {
        title: 'seals one entry to another token each time',
        run: async (stage) => {
          const store = stage.open()
          const tokens = await Promise.all(numbers(100).map(async () => store.seal(entry('data'))))
          expectSame('different tokens of one entry, sealed 100 times', new Set(tokens).size, 100)
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
            expectThat(!isSeen, `a token, decoded as ${encoding}`, 'nothing of the data', 'four characters of it')
          }
        },
      },
      {
        title: 'makes tokens of one length from data of one length',
        run: async (stage) => {
          const store = stage.open()
          const texts = [
            'a'.repeat(600),
            fc.sample(fc.string({ minLength: 600, maxLength: 600, unit: 'grapheme-ascii' }), 1)[0] ?? '',
          ]
          const lengths = await Promise.all(texts.map(async (data) => (await store.seal(entry(data))).length))
          expectThat(
            lengths[0] === lengths[1],
            'tokens of 600 bytes that repeat and 600 that do not',
            'one length',
            lengths,
          )
        },
      },
    ],
  },
  {
    id: '8.6',
    says: 'A token uses only characters that a cookie value may hold unquoted, and survives form-decoding.',
    cases: [
      {
        title: 'makes tokens that a cookie can hold and a form does not alter',
        run: async (stage) => {
          const store = stage.open()
          for (const data of Object.values(TEXTS)) {
            const token = await store.seal(entry(data))
            // RFC 6265bis, cookie-octet.
            const isFit = /^[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]+$/.test(token)
            expectThat(isFit, 'a token', 'characters that a cookie value may hold', token)
            expectSame('a token after form-decoding', decodeURIComponent(token.replaceAll('+', ' ')), token)
          }
        },
      },
    ],
  },
  {
    id: '8.7',
    says: 'maxBytes is honest: data of that size seals into one cookie that browsers keep.',
    cases: [
      {
        title: 'seals data of maxBytes into one cookie',
        run: async (stage) => {
          for (const name of ['s', 'a-cookie-with-a-name-that-takes-some-of-the-place']) {
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
    says: 'Arbitrary strings open as null and never throw.',
    cases: [
      {
        title: 'opens no arbitrary string, and throws for none',
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
    says: 'A bad option is INVALID_OPTION at construction, naming the option, what was given and what is expected; secrets never appear in a message.',
    cases: [
      {
        title: 'refuses bad options when it is made',
        run: async (stage) => expectOptionsChecked(stage.harness, stage.optionsOf(), (options) => stage.make(options)),
      },
    ],
  },
  {
    id: '10.1',
    says: 'A store has the fields and methods of its interface, of their types; maxBytes is a positive integer and true.',
    cases: [
      {
        title: 'has the fields and methods of a client store',
        run: async (stage) => expectFields(stage.open(), 'client', ['seal', 'open']),
      },
    ],
  },
]
