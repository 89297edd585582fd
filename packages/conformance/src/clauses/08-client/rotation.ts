import type { ClientStore } from '@sess/core/adapter'
import { expectSame } from '../../breach.js'
import type { ClientClause } from '../../case.js'
import { type ClientStage, SECRETS } from '../../stage/client.js'
import { numbers } from '../../stage/text.js'
import { entry, usedToken } from './entry.js'

const GIVEN = entry('data')
const MANY = numbers(70).map((n) => `secret ${n} of many, of the conformance suite`)

/** A token that was sealed with one secret. */
async function sealedWith(stage: ClientStage, secret: string): Promise<string> {
  return usedToken(stage.open({ secrets: [secret] }), GIVEN)
}

async function expectOpened(store: ClientStore, token: string, outdated: boolean, done: string): Promise<void> {
  expectSame(`open of a token that was sealed with ${done}`, await store.open(token), { ...GIVEN, outdated })
}

export const rotation: ClientClause = {
  id: '8.4',
  says: 'When secrets are rotated, the newest secret seals and every listed secret opens. A token sealed with an older listed secret opens with outdated set. A token sealed with a removed secret opens as null.',
  cases: [
    {
      title: 'seals with the newest secret and opens with each listed secret',
      run: async (stage) => {
        const [first, second, third] = SECRETS
        const rotated = stage.open({ secrets: [third, second] })
        await expectOpened(rotated, await sealedWith(stage, second), true, 'an older listed secret')
        await expectOpened(rotated, await sealedWith(stage, third), false, 'the newest secret')
        const removed = await rotated.open(await sealedWith(stage, first))
        expectSame('open of a token that was sealed with a removed secret', removed, null)
      },
    },
    {
      title: 'seals with the newest secret, however many are listed',
      run: async (stage) => {
        for (const count of [1, 2, 3, 4, 5, MANY.length]) {
          const secrets = MANY.slice(0, count)
          const [store, newest] = [stage.open({ secrets }), stage.open({ secrets: secrets.slice(0, 1) })]
          for (const _ of numbers(20))
            await expectOpened(
              newest,
              await store.seal(GIVEN),
              false,
              `${count} secrets, with the newest of them alone`,
            )
        }
      },
    },
    {
      title: 'opens with each of many secrets, and reports all but the newest as outdated',
      run: async (stage) => {
        const tokens = await Promise.all(MANY.map(async (secret) => sealedWith(stage, secret)))
        for (const count of [3, 4, 5, 6, MANY.length]) {
          const own = [...tokens.slice(0, count).entries()]
          // What was opened before does not matter.
          for (const order of count === MANY.length ? [own] : [own, own.toReversed()]) {
            const store = stage.open({ secrets: MANY.slice(0, count) })
            for (const [at, token] of order) await expectOpened(store, token, at > 0, `secret ${at + 1} of ${count}`)
          }
        }
      },
    },
    {
      title: 'reports tokens of the newest secret as current where that secret is listed twice',
      run: async (stage) => {
        const [first, second] = SECRETS
        const [newest, older] = [await sealedWith(stage, first), await sealedWith(stage, second)]
        for (const rest of [[first], [first, second], [second, first], [second, first, second]]) {
          const store = stage.open({ secrets: [first, ...rest] })
          await expectOpened(store, newest, false, 'the newest secret, which is listed twice')
          if (rest.includes(second)) await expectOpened(store, older, true, 'an older secret')
        }
      },
    },
  ],
}
