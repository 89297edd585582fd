import type { ClientClause } from '../../case.js'
import { type ClientStage, SECRETS } from '../../stage/client.js'
import { entry, EXPIRES_AT, expectNoneOpens, usedToken } from './entry.js'
import {
  additions,
  altered,
  bitFlips,
  cuts,
  doubleBitFlips,
  type Forgery,
  moves,
  respellings,
  skippedCharacters,
  someBitFlips,
  splices,
} from './forgery.js'

interface Alteration {
  /** What opens as null. */
  readonly of: string
  /** For short tokens of several lengths. */
  readonly short: readonly Forgery[]
  /** For one short token. */
  readonly one: readonly Forgery[]
  /** For a token of many blocks. */
  readonly long: readonly Forgery[]
}

const ALTERATIONS: readonly Alteration[] = [
  { of: 'a token with one bit flipped', short: [bitFlips], one: [], long: [someBitFlips] },
  { of: 'a token with two bits flipped', short: [], one: [doubleBitFlips], long: [doubleBitFlips] },
  { of: 'a token with characters dropped, added or moved', short: [cuts], one: [additions, moves], long: [cuts] },
  { of: 'a token in another spelling', short: [respellings], one: [], long: [] },
  { of: 'a token with characters that a decoder may skip', short: [], one: [skippedCharacters], long: [] },
]

/** These lengths leave different numbers of unused bits in the last character. */
const SHORT = ['', 'a', 'ab']
const LONG = 'a session of many blocks, '.repeat(12)

export const alteration: ClientClause = {
  id: '8.2',
  says: "A token with any one bit flipped, any byte dropped, added or swapped with another token's, or written in another spelling of its encoding (padding, whitespace, spare bits, another alphabet), opens as null.",
  cases: [
    ...ALTERATIONS.map(({ of, short, one, long }) => ({
      title: `does not open ${of}`,
      run: async (stage: ClientStage) => {
        const store = stage.open()
        for (const data of SHORT) await expectNoneOpens(store, altered(await usedToken(store, entry(data)), short), of)
        await expectNoneOpens(store, altered(await usedToken(store, entry('data')), one), of)
        await expectNoneOpens(store, altered(await usedToken(store, entry(LONG.slice(0, store.maxBytes))), long), of)
      },
    })),
    {
      title: "does not open a token with part of another's",
      run: async (stage) => {
        const store = stage.open()
        for (const data of [...SHORT, LONG.slice(0, 100)]) {
          const [one, other] = [
            await usedToken(store, entry(data)),
            await usedToken(store, entry(data, EXPIRES_AT + 1)),
          ]
          const forged = [...splices(one, other)].filter((token) => token !== one && token !== other)
          await expectNoneOpens(store, forged, "a token with part of another's")
        }
      },
    },
    {
      title: 'does not open a token with part of one that was sealed with another listed secret',
      run: async (stage) => {
        const [first, second] = SECRETS
        const one = await stage.open({ secrets: [first] }).seal(entry('data'))
        const other = await stage.open({ secrets: [second] }).seal(entry('data'))
        const store = stage.open({ secrets: [first, second] })
        const forged = [...splices(one, other), ...splices(other, one)]
        await expectNoneOpens(
          store,
          forged.filter((token) => token !== one && token !== other),
          "a token with part of another secret's",
        )
      },
    },
  ],
}
