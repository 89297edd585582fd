import * as fc from 'fast-check'
import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers, TEXTS, textOf } from '../stage/text.js'
import { inLanes } from './lanes.js'
import { expectOneWinner, staggered } from './race.js'

async function expectReadBack(stage: ServerStage, texts: Readonly<Record<string, string>>): Promise<void> {
  const store = stage.open()
  await inLanes([...Object.entries(texts).entries()], async ([at, [name, data]]) => {
    const given = entry(data)
    const version = await stage.create(store, `key${at}`, given)
    const found = await stage.read(store, `key${at}`, `after a create with ${name}`)
    expectSame(`read after a create with ${name}`, found, { ...given, version })
  })
}

export const create: readonly ServerClause[] = [
  {
    id: '1.1',
    says: 'A created entry is read back exactly: data to the last code unit, expiresAt to the millisecond. data can be any well-formed Unicode text of up to maxBytes bytes in UTF-8, including empty text, NUL, CR LF, quotes, emoji, U+2028, a byte order mark, __proto__, and protocol text such as "END\\r\\n".',
    cases: [
      {
        title: 'reads back texts that backends are known to alter',
        hint: 'data is opaque text. Store its bytes in UTF-8, in a column or value whose type is text or bytes, and let no layer parse, trim or decode it.',
        run: (stage) => expectReadBack(stage, TEXTS),
      },
      {
        title: 'reads back random texts',
        hint: 'data is opaque text. Store its bytes in UTF-8, and let no layer parse, trim or decode it.',
        run: async (stage) => {
          const texts = fc.sample(fc.string({ unit: 'binary', maxLength: 50 }), 50)
          await expectReadBack(stage, Object.fromEntries(texts.map((text, at) => [`random text ${at}`, text])))
        },
      },
      {
        title: 'reads back every expiry to the millisecond',
        hint: 'Store expiresAt beside the data as a whole number of milliseconds. What the backend calls expiry is often rounded to seconds.',
        run: async (stage) => {
          const store = stage.open()
          const now = Date.now()
          for (const ahead of [60_000, 60_001, 3_599_999, 86_400_123]) {
            const given = entry('data', now + ahead)
            const version = await stage.create(store, `key${ahead}`, given)
            expectSame(`read of an entry that expires in ${ahead} ms`, await store.read(`key${ahead}`), {
              ...given,
              version,
            })
          }
        },
      },
      {
        title: 'stores data of maxBytes, in characters of one byte and of several',
        hint: 'maxBytes counts the bytes of data in UTF-8 alone. Leave room for what the store adds, such as the version and the expiry.',
        run: async (stage) => {
          const store = stage.open()
          const { maxBytes } = store
          // Larger data is not realistic for a session and would slow the suite down.
          const bytes = Math.min(maxBytes, 2 ** 21)
          for (const [name, data] of Object.entries({
            'one byte each': 'x'.repeat(bytes),
            'one to four bytes each': textOf(bytes),
            'line breaks only': '\r\n'.repeat(Math.floor(bytes / 2)),
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
    says: 'If the key is taken, create resolves with null and leaves the existing entry unchanged, including its expiry.',
    cases: [
      {
        title: 'refuses a taken key and leaves its entry untouched',
        hint: 'Insert only if the key is absent (INSERT … ON CONFLICT DO NOTHING, SET NX, add). An upsert replaces the entry.',
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
          expectSame('read of the entry after creates of its key were refused', await store.read('key'), {
            ...first,
            version,
          })
          await stage.update(store, 'key', entry('third'), version)
        },
      },
    ],
  },
  {
    id: '1.3',
    says: 'Of many concurrent creates of one key, exactly one succeeds. The others resolve with null.',
    cases: [
      {
        title: 'lets one of 50 concurrent creates win, on two instances',
        hint: 'The backend must check that the key is absent and write in one step. A store that reads first and then writes lets several win.',
        lacks: ['atomic', 'fresh'],
        run: async (stage) => {
          const stores = [stage.open(), stage.open()]
          for (const round of numbers(4)) {
            const key = `key${round}`
            const creates = numbers(25).flatMap((n) => stores.map((store, at) => ({ store, data: `${n} of ${at}` })))
            const versions = await Promise.all(creates.map(({ store, data }) => store.create(key, entry(data))))
            const winner = creates[expectOneWinner('50 concurrent creates of one key', versions)]
            const found = await stores[round % 2]?.read(key)
            expectSame('the data read after 50 concurrent creates of one key', found?.data, winner?.data)
          }
        },
      },
      {
        title: 'lets one of two creates win, however much later the second begins',
        hint: 'The backend must check that the key is absent and write in one step. A store that reads first and then writes lets several win.',
        lacks: ['atomic', 'fresh'],
        run: (stage) =>
          staggered(stage, async (key, [one, other], later) => {
            const [first, second] = await Promise.all([
              one.create(key, entry('first')),
              later(() => other.create(key, entry('second'))),
            ])
            const winner = expectOneWinner('two creates of one key, the second one later', [first, second])
            const found = await stage.read(other, key)
            expectSame('the data read after two creates of one key', found.data, ['first', 'second'][winner])
          }),
      },
    ],
  },
  {
    id: '1.4',
    says: 'A destroyed key can be created again. Nothing of the old entry remains.',
    cases: [
      {
        title: 'creates a destroyed key again, with nothing of the old entry',
        hint: 'Remove all that belongs to the key: the version, the expiry, and what a cache in the process holds.',
        run: async (stage) => {
          const store = stage.open()
          const before = await stage.create(store, 'key', entry('a long value of the old entry'))
          await store.destroy('key')
          const given = entry('new', Date.now() + 7_200_000)
          const version = await stage.create(store, 'key', given)
          expectThat(version !== before, 'create after destroy', 'a version that differs from the old one', version)
          expectSame('read after create, destroy and create', await store.read('key'), { ...given, version })
          expectSame(
            'update with the version from before the destroy',
            await store.update('key', entry('lost'), before),
            null,
          )
          await stage.update(store, 'key', entry('next'), version)
        },
      },
      {
        title: 'creates a key again that another instance destroyed, on either instance',
        hint: 'Do not remember in the process which keys are taken or destroyed: another instance may have changed that.',
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          for (const again of [one, other]) {
            const key = again === one ? 'first' : 'second'
            await stage.create(one, key, entry('old'))
            await other.destroy(key)
            const given = entry('new')
            const version = await stage.create(again, key, given)
            const done = `read of a key that one instance created, another destroyed, and the ${key} created again`
            for (const store of [one, other]) expectSame(done, await store.read(key), { ...given, version })
          }
        },
      },
    ],
  },
  {
    id: '1.5',
    says: 'Once create has resolved, every instance on the same scope reads the entry.',
    cases: [
      {
        title: 'shows a created entry at once to another instance that had read null',
        hint: 'Do not remember in the process that a key was missing, and do not read a replica.',
        lacks: ['fresh'],
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
