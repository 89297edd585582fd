import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Stored } from '@sess/core/adapter'
import { expectSame, expectThat, show } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers, TEXTS, textOf } from '../stage/text.js'
import { inLanes } from './lanes.js'

/** Data before and after an update that a store may take for equal, or merge. */
const ALIKE: readonly (readonly [before: string, after: string])[] = [
  ['{"a":1,"b":{"c":[1]}}', '{"b":{"d":2}}'],
  ['{"a":1,"b":2}', '{"b":2,"a":1}'],
  ['{"a":1}', '{"a":null}'],
  ['{"a":1}', '{}'],
  ['{"a":1}', 'null'],
  ['[1,2,3]', '[4]'],
  ['1', '1.0'],
  ['1', '2'],
  ['text', 'Text'],
  ['text', 'text '],
  ['text', ' text'],
  ['text', 'text\n'],
  ['a long text', 'a long'],
  ['a long', 'a long text'],
  ['text', ''],
  ['', 'text'],
  ['\u00E9', 'e\u0301'],
  ['text', 'text'],
]

/** Reads an entry while it is updated many times. Each read must give one of the states that it had. */
async function expectWhole(stage: ServerStage): Promise<void> {
  const [writer, reader] = [stage.open(), stage.open()]
  const { expiresAt } = entry('')
  const given = (n: number) => ({ data: `the data of update ${n} `.repeat(1 + (n % 5) * 10), expiresAt: expiresAt + n })
  let version = await stage.create(writer, 'key', given(0))
  await stage.read(reader, 'key')
  const known = new Map([[version, given(0)]])
  const seen: (Stored | null)[] = []
  const state = { isDone: false }
  const update = async (): Promise<void> => {
    for (const n of numbers(40)) {
      version = await stage.update(writer, 'key', given(n + 1), version)
      known.set(version, given(n + 1))
    }
  }
  const watch = async (): Promise<void> => {
    while (!state.isDone) {
      for (const store of [writer, reader]) seen.push(await store.read('key'))
      await turn()
    }
  }
  await Promise.all([update().finally(() => (state.isDone = true)), watch()])
  for (const found of seen) {
    const isWhole =
      found !== null && isDeepStrictEqual(known.get(found.version), { data: found.data, expiresAt: found.expiresAt })
    expectThat(isWhole, 'read of an entry while it is updated', 'the entry as it was before or after an update', found)
  }
}

export const wholeUpdates: ServerClause = {
  id: '3.1',
  says: 'update with the current version replaces data and expiry completely: nothing of a longer old value remains, and the new expiry applies whether it is sooner or later than the old one.',
  cases: [
    ...[-60_000, 0, 60_000].map((difference) => ({
      title: `replaces data and expiry completely when the new expiry is ${difference < 0 ? 'sooner' : difference > 0 ? 'later' : 'the same'}`,
      hint: 'Write the whole entry. Do not merge, patch or keep the later of two expiries.',
      run: async (stage: ServerStage) => {
        const store = stage.open()
        const old = entry('a long value that must not remain in part')
        const first = await stage.create(store, 'key', old)
        const next = { data: 'new', expiresAt: old.expiresAt + difference }
        const second = await stage.update(store, 'key', next, first)
        expectThat(second !== first, 'update', 'a version that differs from the old one', second)
        expectSame('read after update', await store.read('key'), { ...next, version: second })
        const third = await stage.update(store, 'key', old, second)
        expectSame('read after a second update', await store.read('key'), { ...old, version: third })
      },
    })),
    {
      title: 'replaces data by texts that backends are known to alter',
      hint: 'data is opaque text. Store its bytes in UTF-8, and let no layer parse, trim or decode it, in update as in create.',
      run: async (stage) => {
        const store = stage.open()
        await inLanes([...Object.entries(TEXTS).entries()], async ([at, [name, data]]) => {
          const key = `key${at}`
          const given = entry(data)
          const first = await stage.create(store, key, entry('before'))
          const second = await stage.update(store, key, given, first)
          expectSame(`read after an update with ${name}`, await store.read(key), { ...given, version: second })
        })
      },
    },
    {
      title: 'replaces data by data that resembles it',
      hint: 'Write the new text as it is. Do not merge it with the old one, and do not skip a write because both seem equal.',
      run: async (stage) => {
        const store = stage.open()
        await inLanes([...ALIKE.entries()], async ([at, [before, after]]) => {
          const key = `key${at}`
          const given = entry(after)
          const first = await stage.create(store, key, entry(before))
          const second = await stage.update(store, key, given, first)
          const done = `read after an update of ${show(before)} to ${show(after)}`
          expectSame(done, await store.read(key), { ...given, version: second })
        })
      },
    },
    {
      title: 'replaces data by data of maxBytes',
      hint: 'maxBytes holds for update as for create. A backend that cuts long text in silence must be told not to.',
      run: async (stage) => {
        const store = stage.open()
        // Larger data is not realistic for a session and would slow the suite down.
        const data = textOf(Math.min(store.maxBytes, 2 ** 21))
        const version = await stage.create(store, 'key', entry('before'))
        await stage.update(store, 'key', entry(data), version)
        const found = await store.read('key')
        expectThat(found?.data === data, 'read after an update to data of maxBytes', 'the same text', found?.data)
      },
    },
    {
      title: 'shows an update whole or not at all to reads at the same time',
      hint: 'Write the entry in one step: one statement, one value, or a file that is renamed. Do not delete it first, and do not write its parts one after another.',
      lacks: ['fresh'],
      run: expectWhole,
    },
  ],
}
