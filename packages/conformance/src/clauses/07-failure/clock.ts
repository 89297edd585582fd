import { setTimeout as sleep } from 'node:timers/promises'
import { expectSame } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'

const MINUTE = 60_000
const OFFSET = 20 * MINUTE

/** How far ahead entries expire: less than the clocks differ. */
const AHEAD: Readonly<Record<string, number>> = {
  'in 2 minutes': 2 * MINUTE,
  'in 15 minutes': 15 * MINUTE,
}

async function expectAlive(stage: ServerStage): Promise<void> {
  await Promise.all([OFFSET, -OFFSET].map((ahead) => expectAliveAt(stage, ahead)))
}

async function expectAliveAt(stage: ServerStage, ahead: number): Promise<void> {
  const address = (await stage.backend.withClock?.(ahead)) ?? ''
  const store = stage.open(stage.newScope(), address)
  const clock = `on a backend whose clock is 20 minutes ${ahead > 0 ? 'ahead' : 'behind'}`
  const held = Object.entries(AHEAD).flatMap(([when, left]) =>
    ['created', 'updated'].map((how) => ({ key: `${when}${how}`.replaceAll(' ', ''), how, when, left })),
  )
  const written = new Map<string, object>()
  for (const { key, how, left } of held) {
    const given = entry('data', Date.now() + left)
    const version =
      how === 'created'
        ? await stage.create(store, key, given)
        : await stage.update(store, key, given, await stage.create(store, key, entry('before', given.expiresAt)))
    written.set(key, { ...given, version })
  }
  for (const _ of numbers(2)) {
    for (const { key, how, when } of held)
      expectSame(
        `read of an entry that was ${how} to expire ${when}, ${clock}`,
        await store.read(key),
        written.get(key),
      )
    await sleep(stage.backend.reclaimsWithin ?? 500)
  }
}

export const otherClock: ServerClause = {
  id: '7.9',
  says: "By the writer's clock, an entry lives until its expiresAt whatever the backend's clock says (20 minutes ahead or behind, an entry of 15 minutes): relative expiries where the backend has them, a margin where it takes only dates. Whether relative or absolute is chosen after rounding: memcached reads 2,592,001 as a date in 1970. What a backend itself makes of a clock that is set while it runs, or of a replica with another one, is not meant.",
  cases: [
    {
      title: 'keeps entries until they expire on a backend whose clock is wrong',
      hint: 'Tell the backend how long an entry lives, not until when. A date needs a margin.',
      needs: ['withClock'],
      run: expectAlive,
    },
  ],
}
