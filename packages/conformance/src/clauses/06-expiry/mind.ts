import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerStore } from '@sess/core/adapter'
import { expectThat } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { DAY, POLL_MS, reclaimsWithin } from './clock.js'

/** Asserts that the methods agree on whether there is an entry under the key. It may be reclaimed in between. */
async function expectOneMind(store: ServerStore, key: string, when: string): Promise<void> {
  const wasFound = (await store.read(key)) !== null
  const created = await store.create(key, entry('created'))
  expectThat(wasFound || created !== null, `create after a read of ${when} gave null`, 'a version', created)
  if (created !== null) return
  const found = await store.read(key)
  if (found !== null && (await store.update(key, entry('updated'), found.version)) !== null) return
  const done = found === null ? 'a read gave null' : 'its version was refused by update'
  const again = found === null || (await store.read(key)) === null ? await store.create(key, entry('created')) : null
  expectThat(again !== null, `create of ${when} was refused, and then ${done}`, 'a create that takes the key', again)
}

/** Makes expired entries in each of several ways, and tries them at once, while they expire and after that. */
async function expectAllOneMind(stage: ServerStage): Promise<void> {
  const store = stage.open()
  const lasts = 200
  const moments = [0, lasts - POLL_MS, lasts, lasts + POLL_MS, lasts + reclaimsWithin(stage)]
  const expiries: Readonly<Record<string, (now: number) => number>> = {
    'long past': () => 1,
    'a day past': (now) => now - DAY,
    soon: (now) => now + lasts,
  }
  await Promise.all(
    Object.entries(expiries).flatMap(([name, expiryAt]) =>
      moments.flatMap((moment) =>
        ['created', 'updated'].map(async (how) => {
          const key = `${name.replaceAll(' ', '')}${moment}${how}`
          const given = entry('data', expiryAt(Date.now()))
          if (how === 'created') await stage.create(store, key, given)
          else await stage.update(store, key, given, await stage.create(store, key, entry('before')))
          await sleep(moment)
          await expectOneMind(store, key, `an entry that was ${how} to expire ${name}, ${moment} ms later,`)
        }),
      ),
    ),
  )
}

export const oneMind: ServerClause = {
  id: '6.6',
  says: 'No store is of two minds about an expired key: where read gives null, create takes the key; where create is refused, read gives an entry whose version update accepts.',
  cases: [
    {
      title: 'agrees with itself on whether an expired entry is there',
      hint: 'Let every method look at the same thing. A read that hides expired entries, beside a create that a unique key refuses, locks the key until prune.',
      run: expectAllOneMind,
    },
  ],
}
