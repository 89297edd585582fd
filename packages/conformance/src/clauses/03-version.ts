import type { Version } from '@sess/core/adapter'
import { expectSame, show } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry } from '../stage/server.js'
import { numbers } from '../stage/text.js'
import { inLanes } from './lanes.js'

/** Strings that are not versions of any store. Some would disturb a backend if they were sent to it unchecked. */
const MALFORMED = [
  '',
  ' ',
  '0',
  '1',
  '-1',
  'null',
  'undefined',
  'true',
  '%',
  '_%',
  '*',
  '.*',
  `' OR '1'='1`,
  '{"$ne":null}',
  'a\0b',
  'a\r\nb',
  'é',
  'v'.repeat(5000),
]

function swapCase(text: string): string {
  const lower = text.toLowerCase()
  return text === lower ? text.toUpperCase() : lower
}

/** Texts that a store may take for that version if it compares loosely. */
function looseForms(version: Version): readonly Version[] {
  const { length } = version
  const half = length >> 1
  const letters = Array.from(version)
  const swapped = letters.map(swapCase)
  return [
    swapped.join(''),
    version.toLowerCase(),
    version.toUpperCase(),
    // One letter in the other case.
    ...letters.map((_, at) => version.slice(0, at) + (swapped[at] ?? '') + version.slice(at + 1)),
    ...[' ', '\t', '\n', '\r\n', '\0', '\uFEFF', '\u200B', '0', '+'].flatMap((more) => [
      more + version,
      version + more,
    ]),
    // A part of it, more than it, and a character changed at each place.
    version.slice(1),
    version.slice(0, -1),
    version.slice(0, half),
    version.slice(half),
    version + version,
    ...letters.map((_, at) => `${version.slice(0, at)}~${version.slice(at + 1)}`),
    `${version}.0`,
    `${version}e0`,
    `"${version}"`,
    `'${version}'`,
    `W/"${version}"`,
    `${version};`,
    `${version}\0a`,
    // Patterns that match it.
    ...['_', '?', '.'].map((any) => any.repeat(length)),
    ...['%', '*', '.*', '_', '?'].flatMap((any) => [version.slice(0, -1) + any, any + version.slice(1)]),
    // Other spellings.
    letters.map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join(''),
    letters.map((letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfe_e0)).join(''),
    letters.map((letter) => `${letter}\u0301`).join(''),
    letters.toReversed().join(''),
  ]
}

/** The usual fault of a store that accepts a version which is not current. */
const EXACT =
  'Compare versions byte by byte, over their full length. Some databases ignore case, accents or blanks by default.'

export const staleVersions: ServerClause = {
  id: '3.2',
  says: 'update with a version that is not current (superseded, destroyed, unknown, malformed) resolves with null, changes nothing and creates nothing.',
  cases: [
    {
      title: 'refuses a superseded version',
      hint: 'The backend must compare the version with that of the entry it holds, at each update.',
      run: async (stage) => {
        const store = stage.open()
        const given = entry('second')
        const first = await stage.create(store, 'key', entry('first'))
        let version = await stage.update(store, 'key', given, first)
        expectSame('update with a superseded version', await store.update('key', entry('lost'), first), null)
        expectSame(
          'the same update again, with the version that it replaced',
          await store.update('key', given, first),
          null,
        )
        expectSame('read after updates with a superseded version', await store.read('key'), { ...given, version })
        const old = [first]
        for (const n of numbers(6)) {
          old.push(version)
          version = await stage.update(store, 'key', entry(`update ${n}`), version)
        }
        for (const [at, wrong] of old.toReversed().entries()) {
          const done = `update with the version ${at + 1} before the current one`
          expectSame(done, await store.update('key', entry('lost'), wrong), null)
        }
      },
    },
    {
      title: 'refuses a version that another instance superseded',
      hint: 'Do not compare with a version that the process remembers: another instance may have replaced it.',
      lacks: ['fresh'],
      run: async (stage) => {
        const [one, other] = [stage.open(), stage.open()]
        const first = await stage.create(one, 'key', entry('first'))
        await stage.read(one, 'key')
        const given = entry('second')
        const found = await stage.read(other, 'key')
        const version = await stage.update(other, 'key', given, found.version)
        const done = 'update with a version that another instance superseded'
        expectSame(done, await one.update('key', entry('lost'), first), null)
        expectSame(`read after an ${done}`, await other.read('key'), { ...given, version })
      },
    },
    {
      title: 'refuses the version of a destroyed entry, and creates nothing',
      hint: 'update must not create: an upsert brings a session back that was logged out.',
      run: async (stage) => {
        const store = stage.open()
        const version = await stage.create(store, 'key', entry('data'))
        await store.destroy('key')
        expectSame('update of a destroyed entry', await store.update('key', entry('revived'), version), null)
        expectSame('read after an update of a destroyed entry', await store.read('key'), null)
      },
    },
    {
      title: 'refuses the version of an entry that another instance destroyed, and creates nothing',
      hint: 'Do not compare with a version that the process remembers: another instance may have destroyed the entry.',
      lacks: ['fresh'],
      run: async (stage) => {
        const [one, other] = [stage.open(), stage.open()]
        const version = await stage.create(one, 'key', entry('data'))
        await stage.read(one, 'key')
        await other.destroy('key')
        const done = 'update of an entry that another instance destroyed'
        expectSame(done, await one.update('key', entry('revived'), version), null)
        expectSame(`read after an ${done}`, await other.read('key'), null)
      },
    },
    {
      title: 'refuses the version of another entry, and a version that no store made',
      hint: EXACT,
      run: async (stage) => {
        const store = stage.open()
        const given = entry('data')
        const version = await stage.create(store, 'key', given)
        const other = await stage.create(store, 'other', entry('other'))
        const counted = numbers(20).map(String)
        // A store that counts may have made one of these as the current version.
        const wrongs = [other, ...MALFORMED, ...counted].filter((wrong) => wrong !== version)
        for (const wrong of wrongs) {
          const known = await store.update('key', entry('lost'), wrong)
          expectSame(`update with ${show(wrong)}, which is not the current version`, known, null)
          const unknown = await store.update('unknown', entry('new'), wrong)
          expectSame(`update of an unknown key with ${show(wrong)}`, unknown, null)
        }
        expectSame('read of the entry after updates with wrong versions', await store.read('key'), {
          ...given,
          version,
        })
        expectSame('read of the unknown key after updates of it', await store.read('unknown'), null)
      },
    },
    {
      title: 'refuses texts that resemble the current version',
      hint: EXACT,
      run: async (stage) => {
        const store = stage.open()
        const given = entry('data')
        const version = await stage.create(store, 'key', given)
        const wrongs = looseForms(version).filter((wrong) => wrong !== version)
        await inLanes(wrongs, async (wrong) => {
          const done = `update with ${show(wrong)}, where ${show(version)} is the current version`
          expectSame(done, await store.update('key', entry('lost'), wrong), null)
        })
        const done = 'read after updates with texts that resemble the current version'
        expectSame(done, await store.read('key'), { ...given, version })
      },
    },
  ],
}
