import type { Entry } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { expectSame, expectThat } from '../../breach.js'
import type { ClientClause } from '../../case.js'
import { SECRETS } from '../../stage/client.js'
import { countDerivations } from '../../stage/derivations.js'
import { numbers } from '../../stage/text.js'
import { BASE64URL, entry, expectNoneOpens } from './entry.js'

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

/** An entry that nobody sealed, in the encodings of cookies. */
function unsealed({ data, expiresAt }: Entry): readonly string[] {
  const texts = [
    JSON.stringify({ data, expiresAt }),
    JSON.stringify({ data, expiresAt, outdated: false }),
    JSON.stringify([data, expiresAt]),
    JSON.stringify([expiresAt, data]),
    `${expiresAt}.${data}`,
    `${data}.${expiresAt}`,
    data,
  ]
  return texts.flatMap((text) => [
    text,
    base64url(text),
    Buffer.from(text).toString('base64'),
    Buffer.from(text).toString('hex'),
    encodeURIComponent(text),
    `j:${text}`,
    `${base64url('{"alg":"none"}')}.${base64url(text)}.`,
  ])
}

// prettier-ignore
const ODD = [
  '', ' ', 'null', 'undefined', 'true', '0', '""', '[]', '{}', '{', '..', '...', '....', '__proto__', '%', '%E0%A4%A',
  '\uD800', '\uDC00\uD800', 'a\uDFFF', '\u{1F44D}', 'a'.repeat(100_000), '\u00E9'.repeat(10_000), '%'.repeat(100),
]

function arbitraryStrings(): readonly string[] {
  const characters = fc.array(fc.constantFrom(...BASE64URL), { maxLength: 200 })
  return [
    ...fc.sample(fc.string({ unit: 'binary', maxLength: 200 }), 3000),
    ...fc.sample(fc.base64String({ maxLength: 400 }), 3000),
    ...fc.sample(characters, 3000).map((list) => list.join('')),
    ...numbers(256).map((code) => String.fromCharCode(code)),
    ...ODD,
  ]
}

export const junk: ClientClause = {
  id: '8.8',
  says: 'Arbitrary strings open as null and never throw. A junk token costs no more than one failed key look-up.',
  cases: [
    {
      title: 'opens arbitrary strings as null and never throws',
      run: async (stage) => expectNoneOpens(stage.open(), arbitraryStrings(), 'an arbitrary string'),
    },
    {
      title: 'opens a token that starts with the name of a field of all objects as null',
      run: async (stage) => {
        const store = stage.open()
        const token = await store.seal(entry('data'))
        for (const name of Object.getOwnPropertyNames(Object.prototype)) {
          const tokens = numbers(token.length).map((at) => name + token.slice(at + 1))
          const separated = ['.', ':', '-', '~'].map((separator) => name + separator + token.slice(1))
          await expectNoneOpens(store, [name, ...tokens, ...separated], `a token that starts with ${name}`)
        }
      },
    },
    {
      title: 'opens an entry that was not sealed as null',
      run: async (stage) => {
        const store = stage.open()
        for (const data of ['', 'data', '[1,2,{"name":"Ada"}]'])
          await expectNoneOpens(store, unsealed(entry(data)), 'an entry that was not sealed')
      },
    },
    {
      title: 'still opens what it sealed after many junk tokens',
      run: async (stage) => {
        const store = stage.open()
        const token = await store.seal(entry('data'))
        const others = numbers(500).map((n) => base64url(`junk ${n}`.padEnd(60, '.')))
        await expectNoneOpens(store, others, 'a junk token')
        expectSame('the data of a token, opened after 500 junk tokens', (await store.open(token))?.data, 'data')
      },
    },
    {
      title: 'derives no key for a junk token',
      // What other stores derive at the same time counts too.
      isAlone: true,
      run: async (stage) => {
        const [own, foreign] = SECRETS
        const stranger = stage.open({ secrets: [foreign] })
        const tokens = await Promise.all(numbers(100).map(async () => stranger.seal(entry('data'))))
        const context = stage.context([own])
        let asked = 0
        const store = stage.make(stage.optionsOf(), {
          ...context,
          keys(purpose) {
            asked += 1
            return context.keys(purpose)
          },
        })
        // A store may derive its keys on first use.
        await store.open(await store.seal(entry('data')))
        await store.open(await stranger.seal(entry('data')))
        asked = 0
        const derived = await countDerivations(async () => {
          for (const token of tokens) await store.open(token)
        })
        const done = `the keys that were derived while ${tokens.length} junk tokens were opened`
        expectThat(asked + derived < tokens.length, done, 'fewer than one for each token', asked + derived)
      },
    },
  ],
}
