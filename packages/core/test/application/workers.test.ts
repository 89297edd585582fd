import { sessions } from '@sess/core'
import { expect, test, vi } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { onWorkers } from '../support/workers.ts'

onWorkers()

class Pruned extends CountedStore {
  async prune(): Promise<number> {
    return 0
  }
}

test('sessions() starts no timer', () => {
  vi.useFakeTimers()
  sessions(new Pruned(), { secret: SECRET })
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('close does not wait for the commit of another request, which may have been cancelled', async () => {
  const store = new TroubledStore()
  const sess = sessions(() => store, { secret: SECRET })
  store.stall()
  const failure = failureOf(new Browser(sess).visit((session) => Object.assign(session, { user: 7 })))
  await store.reached
  await sess.close()
  await sess.close()
  expect(store.methods).toEqual(['close'])
  store.release()
  expect((await failure).code).toBe('CLOSED')
})
