import type { ServerStore } from '@sess/core/adapter'
import { expectSame, expectThat } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { attempt, callsOf, expectRecovery, expectUnavailable } from './calls.js'

/** Runs `act` while the backend refuses writes, and asserts that the store works again afterwards. */
async function whileRefusing(
  stage: ServerStage,
  store: ServerStore,
  how: 'fill' | 'forbidWrites',
  act: () => Promise<void>,
): Promise<void> {
  const undo = await stage.backend[how]?.()
  try {
    await act()
  } finally {
    await undo?.()
  }
  await expectRecovery(store, 'create after the backend takes writes again')
}

async function expectEnding(stage: ServerStage): Promise<void> {
  const store = stage.open()
  const given = entry('data')
  const [kept, ended] = [await stage.create(store, 'kept', given), await stage.create(store, 'ended', given)]
  await stage.create(store, 'destroyed', given)
  await whileRefusing(stage, store, 'fill', async () => {
    const when = 'while the backend is full'
    expectSame(`read ${when}`, await store.read('kept'), { ...given, version: kept })
    expectSame(`read of an unknown key ${when}`, await store.read('unknown'), null)

    const created = await attempt(`create ${when}`, () => store.create('created', given))
    expectThat(created !== null, `create ${when}`, 'UNAVAILABLE, or a version', created)
    const found = await store.read('created')
    expectThat(
      (found !== null) === (created !== undefined),
      `read after a create ${when}`,
      'the entry if create gave a version, else null',
      found,
    )
    const next = entry('longer data '.repeat(50))
    const updated = await attempt(`update ${when}`, () => store.update('kept', next, kept))
    expectThat(updated !== null, `update ${when}`, 'UNAVAILABLE, or a version', updated)
    const left = updated === undefined ? { ...given, version: kept } : { ...next, version: updated }
    expectSame(`read after an update ${when}`, await store.read('kept'), left)

    await store.destroy('destroyed')
    expectSame(`read after a destroy ${when}`, await store.read('destroyed'), null)
    const end = `update to expiresAt 1 ${when}, which is how core ends a session`
    expectThat((await store.update('ended', entry('', 1), ended)) !== null, end, 'a version', 'null')
    const last = await store.read('ended')
    expectThat(last === null || last.expiresAt === 1, `read after an ${end}`, 'null, or the ended entry', last)
  })
}

async function expectReadable(stage: ServerStage): Promise<void> {
  const store = stage.open()
  const given = entry('data')
  const version = await stage.create(store, 'key', given)
  await whileRefusing(stage, store, 'forbidWrites', async () => {
    const when = 'while the backend is read-only'
    expectSame(`read ${when}`, await store.read('key'), { ...given, version })
    expectSame(`read of an unknown key ${when}`, await store.read('unknown'), null)
    const writes = callsOf(store, 'key', version).filter(([name]) => name === 'create' || name === 'update')
    for (const write of writes) await expectUnavailable(store, write, when)
    await expectUnavailable(store, ['destroy', () => store.destroy('key')], when)
    expectSame(`read after refused writes ${when}`, await store.read('key'), { ...given, version })
  })
}

export const refusedWrites: ServerClause = {
  id: '7.8',
  says: 'A backend that refuses writes because it is full, or that is read-only, still answers reads. Where it is full and can still remove (Redis, memcached; not SQLite on a full disk, which says so), so does the store: destroy, and an update to expiresAt: 1, which is how core ends a session.',
  cases: [
    {
      title: 'reads, destroys and ends a session while the backend is full',
      hint: 'Ending a session must not need room: where an update has a date that is past, compare the version and delete.',
      needs: ['fill'],
      isAlone: true,
      run: expectEnding,
    },
    {
      title: 'reads while the backend is read-only, and does not claim to have written',
      hint: 'Map the refusal to UNAVAILABLE. It is neither "taken", "not current" nor success, and no reason to drop the connection.',
      needs: ['forbidWrites'],
      isAlone: true,
      run: expectReadable,
    },
  ],
}
