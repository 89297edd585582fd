import { setTimeout as sleep } from 'node:timers/promises'
import { expectSame, expectThat } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { DAY, POLL_MS, reclaimsWithin, SECOND } from './clock.js'

/** A time just before a full second, at least `ahead` ms from now. It exposes backends that count in whole seconds. */
function beforeFullSecond(ahead: number): number {
  return Math.ceil((Date.now() + ahead) / SECOND) * SECOND - 20
}

/** Waits until the backend has reclaimed the entry. Throws a `Breach` if that is too late. */
async function expectReclaimed(stage: ServerStage, key: string, expiresAt: number): Promise<void> {
  const store = stage.open()
  const within = reclaimsWithin(stage)
  const until = Math.max(expiresAt, Date.now()) + within
  for (;;) {
    const asked = Date.now()
    const found = await store.read(key)
    if (found === null) return
    const done = `read of the entry '${key}', ${asked - expiresAt} ms after its expiresAt, of a backend that expires entries itself`
    expectThat(asked <= until, done, `null, because the harness allows ${within} ms to reclaim`, found)
    await sleep(POLL_MS)
  }
}

export const reclaiming: ServerClause = {
  id: '6.1',
  says: 'An entry past its expiresAt is reclaimed, by the backend itself or by prune. No store grows without limit.',
  cases: [
    {
      title: 'reclaims expired entries by prune, created or updated',
      hint: 'prune must delete every entry whose expiresAt is at or before the time that it is given.',
      needs: ['prune'],
      run: async (stage) => {
        const store = stage.open()
        const { expiresAt } = entry('')
        await stage.create(store, 'created', entry('data', expiresAt))
        const version = await stage.create(store, 'updated', entry('data', expiresAt + DAY))
        await stage.update(store, 'updated', entry('data', expiresAt), version)
        await stage.create(store, 'past', entry('data', 1))
        await store.prune?.(expiresAt)
        for (const key of ['created', 'updated', 'past'])
          expectSame(`read of entry '${key}' after prune at its expiresAt`, await store.read(key), null)
      },
    },
    {
      title: 'reclaims expired entries without prune, created or updated',
      hint: 'Pass expiresAt to the backend with every write, update included. A backend that does not expire entries itself needs prune.',
      lacks: ['fresh'],
      needs: ['expiry'],
      run: async (stage) => {
        const store = stage.open()
        const expiresAt = beforeFullSecond(100)
        await stage.create(store, 'created', entry('data', expiresAt))
        const version = await stage.create(store, 'updated', entry('data'))
        await stage.update(store, 'updated', entry('data', expiresAt), version)
        await Promise.all(['created', 'updated'].map((key) => expectReclaimed(stage, key, expiresAt)))
      },
    },
    {
      title: 'reclaims entries without prune that had expired when they were written',
      hint: 'Many backends take a date that is past, a zero or a negative time to live for no expiry. Pass the shortest one that they take.',
      lacks: ['fresh'],
      needs: ['expiry'],
      run: async (stage) => {
        const store = stage.open()
        const past = Date.now() - 5 * SECOND
        await stage.create(store, 'created', entry('data', past))
        await stage.create(store, 'ancient', entry('data', 1))
        const version = await stage.create(store, 'updated', entry('data'))
        await stage.update(store, 'updated', entry('data', past), version)
        await Promise.all(['created', 'ancient', 'updated'].map((key) => expectReclaimed(stage, key, past)))
      },
    },
  ],
}
