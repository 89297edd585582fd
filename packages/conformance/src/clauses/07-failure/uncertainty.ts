import type { ServerStore } from '@sess/core/adapter'
import { expectSame, expectThat } from '../../breach.js'
import type { Case, ServerClause } from '../../case.js'
import { chance } from '../../history/chance.js'
import type { Fault } from '../../faults/proxy.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { attempt } from './calls.js'
import { lateWrites } from './late-write.js'

/** The usual fault after a lost reply. */
const UNKNOWN =
  'A write whose reply was lost may have been applied. Fail with UNAVAILABLE, or find out by a mark of your own in the entry. Do not send it again.'

const lostReplies: readonly Case<ServerStage>[] = [0, 1].flatMap((nth): Case<ServerStage>[] => {
  const which = nth === 0 ? 'first' : 'second'
  const lose = (key: string): Fault => {
    let seen = 0
    return { loseReplyTo: (request) => request.includes(key) && seen++ === nth }
  }
  return [
    {
      title: `does not report its own create as taken when the ${which} reply was lost`,
      hint: UNKNOWN,
      lacks: ['fresh'],
      needs: ['tcp'],
      run: async (stage) => {
        const proxy = await stage.proxy()
        const store = stage.open(stage.scope, proxy.address)
        await store.read('other')
        await proxy.set(lose('lostkey'))
        const done = `create whose ${which} reply was lost`
        const version = await attempt(done, () => store.create('lostkey', entry('data')))
        expectThat(version !== null, done, 'UNAVAILABLE, or a version', version)
        const found = await stage.open().read('lostkey')
        const isRight = found === null ? version === undefined : found.data === 'data'
        expectThat(isRight, `read after a ${done}`, version === undefined ? 'the entry, or null' : 'the entry', found)
        if (version !== undefined) expectSame(`the version after a ${done}`, found?.version, version)
      },
    },
    {
      title: `does not report its own update as not current when the ${which} reply was lost`,
      hint: UNKNOWN,
      lacks: ['fresh'],
      needs: ['tcp'],
      run: async (stage) => {
        const proxy = await stage.proxy()
        const [store, other] = [stage.open(stage.scope, proxy.address), stage.open()]
        const first = await stage.create(store, 'lostkey', entry('first'))
        await proxy.set(lose('lostkey'))
        const done = `update whose ${which} reply was lost`
        const version = await attempt(done, () => store.update('lostkey', entry('second'), first))
        expectThat(version !== null, done, 'UNAVAILABLE, or a version', version)
        const found = await stage.read(other, 'lostkey', `after an ${done}`)
        const isOld = found.data === 'first' && found.version === first && version === undefined
        expectThat(isOld || found.data === 'second', `read after an ${done}`, 'the old entry or the new one', found)
      },
    },
  ]
})

/** Each update appends a unique word to what it read, so the final value shows which were applied and how often. */
async function expectAccounted(stage: ServerStage): Promise<void> {
  const proxy = await stage.proxy()
  const stores = [stage.open(stage.scope, proxy.address), stage.open(stage.scope, proxy.address)]
  const sure = stage.open()
  await stage.create(sure, 'lostkey', entry('start'))
  const random = chance(7)
  await proxy.set({ loseReplyTo: (request) => request.includes('lostkey') && random() < 0.2 })
  const words = { acknowledged: new Array<string>(), refused: new Array<string>(), failed: new Array<string>() }
  const append = async (store: ServerStore, at: number) => {
    for (const n of numbers(24)) {
      const found = await attempt('read', () => store.read('lostkey'))
      if (!found) continue
      const word = `${n}of${at}`
      const next = entry(`${found.data} ${word}`)
      const version = await attempt('update', () => store.update('lostkey', next, found.version))
      words[version === undefined ? 'failed' : version === null ? 'refused' : 'acknowledged'].push(word)
    }
  }
  await Promise.all(stores.map(append))
  const applied = (await stage.read(sure, 'lostkey')).data.split(' ')
  const expectTimes = (told: keyof typeof words, expected: string, isRight: (times: number) => boolean): void => {
    const wrong = words[told].filter((word) => !isRight(applied.filter((one) => one === word).length))
    const done = `the ${words[told].length} ${told} updates, of 48 with replies lost at random`
    expectThat(wrong.length === 0, done, `each of them applied ${expected}`, `otherwise for ${wrong.join(', ')}`)
  }
  expectTimes('acknowledged', 'once', (times) => times === 1)
  expectTimes('refused', 'never', (times) => times === 0)
  expectTimes('failed', 'once or never', (times) => times <= 1)
}

export const uncertainWrites: ServerClause = {
  id: '7.4',
  says: 'A write that fails with UNAVAILABLE may have been applied or may still be applied, but at most once, never over a newer version and never after a destroy. (A late destroy may still remove its key.) A store resends only what it can prove was not applied. It never resolves with null ("taken" or "not current") because of its own successful write.',
  cases: [
    ...lostReplies,
    {
      title: 'does not report its own update as not current when the reply was lost and another instance updated next',
      hint: UNKNOWN,
      lacks: ['fresh'],
      needs: ['tcp'],
      run: async (stage) => {
        const proxy = await stage.proxy()
        const [store, other] = [stage.open(stage.scope, proxy.address), stage.open()]
        const first = await stage.create(store, 'lostkey', entry('first'))
        let following: Promise<unknown> | undefined
        const follow = async () => {
          const found = await stage.read(other, 'lostkey')
          if (found.data === 'second') await other.update('lostkey', entry('third'), found.version)
        }
        await proxy.set({
          loseReplyTo: (request) => {
            if (following !== undefined || !request.includes('lostkey')) return false
            following = follow()
            // `following` is awaited below, unless another check fails first.
            following.catch(() => undefined)
            return true
          },
        })
        const done = 'update whose reply was lost, followed by an update of another instance'
        const version = await attempt(done, () => store.update('lostkey', entry('second'), first))
        await following
        const isThird = (await stage.read(other, 'lostkey')).data === 'third'
        expectThat(!(isThird && version === null), done, 'UNAVAILABLE, or a version, because it was applied', version)
      },
    },
    {
      title:
        'applies acknowledged updates once, refused ones never and failed ones at most once, with replies lost at random',
      hint: UNKNOWN,
      lacks: ['atomic', 'fresh'],
      needs: ['tcp'],
      run: expectAccounted,
    },
    ...lateWrites,
  ],
}
