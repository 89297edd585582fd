import * as fc from 'fast-check'
import { expectSame, expectThat, show } from '../../breach.js'
import type { ClientClause } from '../../case.js'
import { numbers, TEXTS, textOf } from '../../stage/text.js'
import { BASE64URL, entry, expectOpens, LATEST } from './entry.js'

const ASCII = numbers(128).map((code) => String.fromCharCode(code))

/** The fewest bits of a token that one character of it can hold: a cookie value has at most 90 different characters. */
const BITS_OF_COOKIE_CHARACTER = Math.log2(90)

/** Random data that no encoding makes shorter than six bits for each character. */
function randomText(length: number): string {
  const characters = fc.constantFrom(...BASE64URL)
  return fc.sample(fc.string({ unit: characters, minLength: length, maxLength: length }), 1)[0] ?? ''
}

export const fidelity: ClientClause = {
  id: '8.1',
  says: 'Opening a sealed entry gives the same entry, from the token alone: data to the last code unit and expiresAt to the millisecond, for the same inputs as in 1.1, in every instance, as often as it is opened, and also after it has expired.',
  cases: [
    {
      title: 'opens what it sealed: texts that encodings are known to alter',
      run: async (stage) => {
        const store = stage.open()
        for (const [name, data] of Object.entries(TEXTS)) await expectOpens(store, entry(data), name)
        for (const data of [textOf(store.maxBytes), 'a'.repeat(store.maxBytes)])
          await expectOpens(store, entry(data), 'data of maxBytes')
      },
    },
    {
      title: 'opens what it sealed: random texts and expiries',
      run: async (stage) => {
        const store = stage.open()
        const entries = fc.record({
          data: fc.string({ unit: 'binary', maxLength: 100 }),
          expiresAt: fc.integer({ min: 1, max: LATEST }),
        })
        for (const given of fc.sample(entries, 200)) await expectOpens(store, given, show(given))
        for (const expiresAt of [1, LATEST]) await expectOpens(store, entry('data', expiresAt), `expiry ${expiresAt}`)
      },
    },
    {
      title: 'opens what it sealed: data with characters that separate or pad the parts of a token',
      run: async (stage) => {
        const store = stage.open()
        for (const one of ASCII) {
          const data = `${one}a${one}${one}b${one}`
          await expectOpens(store, entry(data), show(data))
          // A pad is as long as its last character says, or as long as a block needs.
          for (const length of [15, 16, one.charCodeAt(0)]) {
            const repeated = one.repeat(length)
            await expectOpens(store, entry(repeated), `${length} times ${show(one)}`)
          }
        }
        for (const length of numbers(100)) {
          const data = `${'a'.repeat(length)}\u0001`
          await expectOpens(store, entry(data), `data of ${length + 1} bytes that ends in a control character`)
        }
      },
    },
    {
      title: 'opens what it sealed: data that is a token',
      run: async (stage) => {
        const store = stage.open()
        const token = await expectOpens(store, entry('data'), 'data')
        await expectOpens(store, entry(token), 'data that is a token of the same store')
      },
    },
    {
      title: 'opens the tokens of entries that were sealed at the same time, each as its own entry, more than once',
      run: async (stage) => {
        const store = stage.open()
        const expected = numbers(20).map((n) => ({ data: `data ${n}`, expiresAt: n + 1, outdated: false }))
        const tokens = await Promise.all(expected.map(async ({ data, expiresAt }) => store.seal({ data, expiresAt })))
        for (const time of ['first', 'second']) {
          const opened = await Promise.all(tokens.map(async (token) => store.open(token)))
          expectSame(`20 tokens, opened together for the ${time} time`, opened, expected)
        }
      },
    },
    {
      title: 'opens in another instance what it sealed',
      run: async (stage) => {
        const token = await stage.open().seal(entry('data'))
        const opened = await stage.open().open(token)
        expectSame('open in another instance', opened, { ...entry('data'), outdated: false })
      },
    },
    {
      title: 'puts all of the data into the token, and keeps nothing',
      run: async (stage) => {
        const store = stage.open()
        const data = randomText(Math.min(1000, Math.floor(store.maxBytes)))
        const { length } = await store.seal(entry(data))
        const least = Math.ceil((data.length * 6) / BITS_OF_COOKIE_CHARACTER)
        expectThat(
          length >= least,
          `the length of a token of ${data.length} random bytes`,
          `at least ${least} characters, which is what the data needs: another process must be able to open it`,
          length,
        )
      },
    },
  ],
}
