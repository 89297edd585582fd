import { expectSame, expectThat, show } from '../../breach.js'
import type { ClientClause } from '../../case.js'
import { type ClientStage, SECRETS } from '../../stage/client.js'
import { numbers } from '../../stage/text.js'
import { entry, expectNoneOpens, usedToken } from './entry.js'
import { splices } from './forgery.js'

const LONG = 'n'.repeat(120)

/** Names that share a part, or that are the same once case, punctuation, encoding or order is ignored. */
// prettier-ignore
const NAMES = [
  'one', 'other', 'sess', 'sess2', 'ses', 'esss', 'Sess', 'SESS', '%73ess', 'se.ss', 'se-ss', 'se_ss', 'se.sa',
  'session.a', 'session.b', '1', '01', '1.0', '__proto__', 'constructor', 'toString',
  LONG, `${LONG}a`, `${LONG}b`, `a${LONG}`, `b${LONG}`, `${LONG.slice(60)}b${LONG.slice(60)}`,
]

/** Puts characters into a token, at each place: into its text, and into its bytes if the token is in base64url. */
function* insertions(token: string, added: string): Generator<string> {
  for (const at of numbers(token.length + 1)) yield token.slice(0, at) + added + token.slice(at)
  const bytes = Buffer.from(token, 'base64url')
  for (const at of numbers(bytes.length + 1))
    yield Buffer.concat([bytes.subarray(0, at), Buffer.from(added), bytes.subarray(at)]).toString('base64url')
}

async function expectBound(stage: ClientStage, names: readonly string[]): Promise<void> {
  const stores = names.flatMap((name) => {
    const store = stage.openFor({ name })
    return store ? [{ name, store }] : []
  })
  for (const { name, store } of stores) {
    const token = await store.seal(entry('data'))
    for (const other of stores) {
      const expected = other.name === name ? 'data' : undefined
      const done = `open as the cookie ${show(other.name)} of a token that was sealed for the cookie ${show(name)}`
      expectSame(done, (await other.store.open(token))?.data, expected)
    }
  }
}

export const purpose: ClientClause = {
  id: '8.3',
  says: 'A token that was sealed with another secret, or for another purpose (cookie name), opens as null.',
  cases: [
    {
      title: 'does not open a token that was sealed with another secret',
      run: async (stage) => {
        // All are made before any is used.
        const stores = SECRETS.map((secret) => stage.open({ secrets: [secret] }))
        for (const own of stores) {
          const token = await usedToken(own, entry('data'))
          for (const store of stores)
            if (store !== own) expectSame('open with another secret', await store.open(token), null)
        }
      },
    },
    {
      title: 'does not open a token that was sealed with any of 20 other secrets',
      run: async (stage) => {
        const secrets = numbers(120).map((n) => `secret ${n} of the conformance suite`.padEnd(40, '.'))
        const store = stage.open({ secrets: secrets.slice(0, 100) })
        const tokens = await Promise.all(
          secrets.slice(100).map(async (secret) => stage.open({ secrets: [secret] }).seal(entry('data'))),
        )
        await expectNoneOpens(store, tokens, 'a token of another secret, with a list of 100 secrets')
      },
    },
    {
      title: 'does not open a token that was sealed for another cookie',
      run: (stage) => expectBound(stage, NAMES),
    },
    {
      title: 'does not open a token that was made longer by a part of the cookie name',
      run: async (stage) => {
        const token = await stage.open({ name: 'cookie' }).seal(entry('data'))
        for (const [name, moved] of [
          ['cooki', 'e'],
          ['ookie', 'c'],
        ] as const) {
          const store = stage.open({ name })
          const done = `a token of 'cookie' with the character '${moved}' added, as the cookie '${name}'`
          await expectNoneOpens(store, insertions(token, moved), done)
        }
      },
    },
    {
      title: "does not open another cookie's token that has part of an own token",
      run: async (stage) => {
        const [own, other] = [stage.open({ name: 'own' }), stage.open({ name: 'other' })]
        const [mine, foreign] = [await own.seal(entry('mine')), await other.seal(entry('that'))]
        for (const forged of [...splices(mine, foreign), ...splices(foreign, mine)]) {
          const came = await own.open(forged)
          const done = "open of another cookie's token, a part of it replaced by the same part of an own token"
          expectThat(came?.data !== 'that', done, "null, or the own token's entry", came)
        }
      },
    },
  ],
}
