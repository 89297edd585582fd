import * as fc from 'fast-check'
import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers, TEXTS, textOf } from '../stage/text.js'

async function expectReadBack(stage: ServerStage, texts: Readonly<Record<string, string>>): Promise<void> {
  const store = stage.open()
  await Promise.all(
    Object.entries(texts).map(async ([name, data], at) => {
      const given = entry(data)
      const version = await stage.create(store, `key${at}`, given)
      const found = await stage.read(store, `key${at}`, `after a create with ${name}`)
      expectSame(`read after a create with ${name}`, found, { ...given, version })
    }),
  )
}

export const create: readonly ServerClause[] = [
  {
    id: '1.1',
    says: 'What was created is read back exactly: data to the last code unit, expiresAt to the millisecond.',
    cases: [
      { title: 'reads back the texts that backends alter', run: (stage) => expectReadBack(stage, TEXTS) },
      {
        title: 'reads back texts made at random',
        run: async (stage) => {
          const texts = fc.sample(fc.string({ unit: 'binary', maxLength: 50 }), 50)
          await expectReadBack(stage, Object.fromEntries(texts.map((text, at) => [`the random text ${at}`, text])))
        },
      },
      {
        title: 'reads back every expiry to the millisecond',
        run: async (stage) => {
          const store = stage.open()
          const now = Date.now()
          for (const ahead of [60_000, 60_001, 3_599_999, 86_400_123]) {
            const given = entry('data', now + ahead)
            const version = await stage.create(store, `key${ahead}`, given)
            expectSame(`read of an entry for ${ahead} ms`, await store.read(`key${ahead}`), { ...given, version })
          }
        },
      },
      {
        title: 'takes data of maxBytes, in one-byte characters and in longer ones',
        run: async (stage) => {
          const store = stage.open()
          const { maxBytes } = store
          // What is larger than this is no session, and would take the suite long.
          const bytes = Math.min(maxBytes, 2 ** 21)
          for (const [name, data] of Object.entries({
            'one byte each': 'x'.repeat(bytes),
            'one to four bytes each': textOf(bytes),
            'lines alone': '\r\n'.repeat(Math.floor(bytes / 2)),
          })) {
            const key = name.replaceAll(' ', '')
            await stage.create(store, key, entry(data))
            const found = await store.read(key)
            expectThat(found?.data === data, `read of ${bytes} bytes, ${name}`, 'the same text', found?.data)
          }
        },
      },
    ],
  },
  {
    id: '1.2',
    says: 'A taken key is refused, and the entry that holds it is untouched, its expiry included.',
    cases: [
      {
        title: 'refuses a taken key and leaves its entry untouched',
        run: async (stage) => {
          const store = stage.open()
          const first = entry('first')
          const version = await stage.create(store, 'key', first)
          for (const second of [
            entry('second', first.expiresAt + 1000),
            entry('second', first.expiresAt - 1000),
            first,
          ])
            expectSame('create of a taken key', await store.create('key', second), null)
          expectSame('read of the entry after them', await store.read('key'), { ...first, version })
          await stage.update(store, 'key', entry('third'), version)
        },
      },
    ],
  },
  {
    id: '1.3',
    says: 'Of many concurrent creates of one key, exactly one wins.',
    cases: [
      {
        title: 'lets one of 50 concurrent creates win, on two instances',
        lack: 'atomic',
        run: async (stage) => {
          const stores = [stage.open(), stage.open()]
          for (const round of numbers(4)) {
            const key = `key${round}`
            const creates = numbers(25).flatMap((n) => stores.map((store, at) => ({ store, data: `${n} of ${at}` })))
            const versions = await Promise.all(creates.map(({ store, data }) => store.create(key, entry(data))))
            const winners = creates.filter((_, at) => versions[at] !== null).map(({ data }) => data)
            expectThat(winners.length === 1, '50 concurrent creates', 'one version, and null for the others', winners)
            const [winner] = winners
            const found = await stores[round % 2]?.read(key)
            expectSame('read after 50 concurrent creates', found?.data, winner)
          }
        },
      },
    ],
  },
  {
    id: '1.4',
    says: 'A destroyed key may be created again, and carries nothing of its former life.',
    cases: [
      {
        title: 'creates a destroyed key again, with nothing of its former life',
        run: async (stage) => {
          const store = stage.open()
          const before = await stage.create(store, 'key', entry('a long value of the former life'))
          await store.destroy('key')
          const given = entry('new', Date.now() + 7_200_000)
          const version = await stage.create(store, 'key', given)
          expectThat(version !== before, 'create after destroy', 'another version than before', version)
          expectSame('read after create, destroy and create', await store.read('key'), { ...given, version })
        },
      },
    ],
  },
  {
    id: '1.5',
    says: 'When create has resolved, every instance on the same scope reads the entry.',
    cases: [
      {
        title: 'shows a created entry at once to an instance that had found none',
        lack: 'fresh',
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          for (const key of ['one', 'two', 'three']) {
            expectSame('read before create', await other.read(key), null)
            const given = entry(key)
            const version = await stage.create(one, key, given)
            expectSame('read by another instance after create', await other.read(key), { ...given, version })
          }
        },
      },
    ],
  },
]
