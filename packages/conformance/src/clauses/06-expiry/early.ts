import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerStore } from '@sess/core/adapter'
import { Breach, expectSame, expectThat } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { DAY, POLL_MS, reclaimsWithin } from './clock.js'

/** Reads an entry again and again, up to a time. Throws a `Breach` if it is gone. */
async function expectKept(store: ServerStore, key: string, data: string, until: number, when: string): Promise<void> {
  for (let isLast = false; !isLast;) {
    isLast = Date.now() >= until
    const found = await store.read(key)
    expectThat(found?.data === data, `read of ${when}`, 'the entry', found)
    await sleep(2 * POLL_MS)
  }
}

/** Milliseconds until a first expiry. If the store is too slow to extend the entry before, the next one is tried. */
function firstExpiries({ deadline }: ServerStore): readonly number[] {
  return [300, 1500, 2 * deadline + 1500]
}

/** Extends entries in each of several ways, and asserts that they outlive their first expiry. */
async function expectExtended(stage: ServerStage): Promise<void> {
  const [one, other] = [stage.open(), stage.open()]
  const ways: Readonly<
    Record<string, readonly { readonly by: ServerStore; readonly data: string; readonly ahead: number }[]>
  > = {
    'with the same data': [{ by: one, data: 'first', ahead: DAY }],
    'with other data': [{ by: one, data: 'second', ahead: DAY }],
    'by another instance': [{ by: other, data: 'second', ahead: DAY }],
    'in steps': [400, 500, DAY].map((ahead) => ({ by: one, data: 'first', ahead })),
    'after it was shortened': [DAY, 350, DAY].map((ahead) => ({ by: one, data: 'first', ahead })),
  }
  await Promise.all(
    Object.entries(ways).map(async ([way, steps], at) => {
      for (const ahead of firstExpiries(one)) {
        const key = `key${at}in${ahead}`
        let given = entry('first', Date.now() + ahead)
        const first = given.expiresAt
        let version = await stage.create(one, key, given)
        await other.read(key)
        let isLate = false
        for (const step of steps) {
          const before = given.expiresAt
          given = entry(step.data, Date.now() + (step.ahead === DAY ? DAY : step.ahead + ahead - 300))
          const next = await step.by.update(key, given, version)
          isLate = next === null && Date.now() >= before
          if (isLate) break
          expectThat(next !== null, `update that extends an entry ${way}`, 'a version', next)
          version = next
        }
        if (isLate) continue
        const until = Math.max(first, Date.now() + 500) + reclaimsWithin(stage)
        return expectKept(
          one,
          key,
          given.data,
          until,
          `an entry that was extended by a day ${way}, past its first expiry`,
        )
      }
      throw new Breach(
        `updates that extend an entry ${way}`,
        'an answer before it expires',
        'none, however late that was',
      )
    }),
  )
}

/** Creates entries under keys whose former entries expire soon, and asserts that they outlive those. */
async function expectRenewed(stage: ServerStage): Promise<void> {
  const store = stage.open()
  const within = reclaimsWithin(stage)
  const expiresAt = Date.now() + 300
  const when = 'an entry whose key held one that expired'
  const destroyed = async (): Promise<void> => {
    await stage.create(store, 'destroyed', entry('former', expiresAt))
    await store.destroy('destroyed')
    await stage.create(store, 'destroyed', entry('new'))
    await expectKept(store, 'destroyed', 'new', expiresAt + within, `${when} and was destroyed before`)
  }
  const expired = async (): Promise<void> => {
    await stage.create(store, 'expired', entry('former', expiresAt))
    while (Date.now() <= expiresAt) await sleep(POLL_MS)
    while ((await store.read('expired')) !== null && Date.now() <= expiresAt + within) await sleep(POLL_MS)
    // A backend that needs prune may keep the former entry.
    if ((await store.create('expired', entry('new'))) === null) return
    await expectKept(store, 'expired', 'new', Date.now() + within, when)
  }
  await Promise.all([destroyed(), expired()])
}

export const neverEarly: ServerClause = {
  id: '6.2',
  says: 'An entry is not reclaimed before its expiresAt by the wall clock, not even a millisecond early: rounding goes up. A date that the backend cannot represent becomes the latest date that it can, while expiresAt still reads back exactly.',
  cases: [
    {
      title: 'reclaims nothing early, at whatever fraction of a second it expires',
      hint: 'If the backend counts in seconds, round up. Rounding down loses up to a second.',
      run: async (stage) => {
        const store = stage.open()
        const base = Date.now() + 400
        await Promise.all(
          numbers(8).map(async (n) => {
            const key = `key${n}`
            const expiresAt = base + n * 125
            const given = entry('data', expiresAt)
            if (n % 2 === 0) await stage.create(store, key, given)
            else await stage.update(store, key, given, await stage.create(store, key, entry('before')))
            for (;;) {
              const found = await store.read(key)
              const left = expiresAt - Date.now()
              if (left <= 0) return
              const done = `read ${left} ms before expiresAt`
              expectThat(found?.expiresAt === expiresAt, done, 'the entry', found)
              await sleep(Math.min(POLL_MS, left - 1))
            }
          }),
        )
      },
    },
    {
      title: 'does not prune an entry that expires a millisecond later',
      hint: 'Compare whole milliseconds: expiresAt <= now.',
      needs: ['prune'],
      run: async (stage) => {
        const store = stage.open()
        const given = entry('data')
        await stage.create(store, 'key', given)
        expectSame('prune a millisecond before expiresAt', await store.prune?.(given.expiresAt - 1), 0)
        expectSame('the data read after that prune', (await store.read('key'))?.data, given.data)
      },
    },
    {
      title: 'stores the latest possible dates and reads them back exactly',
      hint: 'Store expiresAt beside the data, and give the backend the latest date that it can hold.',
      run: async (stage) => {
        const store = stage.open()
        for (const expiresAt of [8.64e15, 8.64e15 - 1, 253_402_300_799_999]) {
          const given = entry('data', expiresAt)
          const key = `key${expiresAt}`
          const version = await stage.create(store, key, given)
          expectSame(`read of an entry that expires at ${expiresAt}`, await store.read(key), { ...given, version })
          const next = await stage.update(store, key, given, version)
          expectSame('read after an update with the same entry', await store.read(key), { ...given, version: next })
        }
      },
    },
    {
      title: 'keeps an entry that was extended, past its first expiry',
      hint: 'Set the expiry of the backend with every update. One that is set by create alone removes sessions that are in use.',
      lacks: ['fresh'],
      run: expectExtended,
    },
    {
      title: 'keeps an entry past the expiry of a former one under its key',
      hint: 'Drop the timer or the index entry of the former one when the key is destroyed or written again.',
      run: expectRenewed,
    },
  ],
}
