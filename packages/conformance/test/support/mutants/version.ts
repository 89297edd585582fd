import type { Version } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'
import { type Change, mutant, type Mutant } from '../mutant.ts'
import { versioned } from './update.ts'

type Compare = (given: Version, current: Version) => boolean

/** Accepts versions as current that differ from the current one. */
function lenient(server: LineServer, isTaken: Compare): Change {
  return (store, scope) => ({
    async update(key, entry, version) {
      const current = server.stored(scope, key)?.version
      const isCurrent = current !== undefined && isTaken(version, current)
      return store.update(key, entry, isCurrent ? current : version)
    },
  })
}

/** Whether both are equal once `form` has been applied to both. */
function alike(form: (version: Version) => string): Compare {
  return (given, current) => form(given) === form(current)
}

function isLongEnough(given: Version): boolean {
  return given.length > 4
}

/** Whether a pattern with wildcards for one character and for many matches. */
function matches(given: Version, current: Version, [one, many]: readonly [one: string, many: string]): boolean {
  const pattern = [...given]
    .map((letter) => (letter === one ? '.' : letter === many ? '.*' : letter.replace(/[^\w-]/, '\\$&')))
    .join('')
  return new RegExp(`^${pattern}$`, 'u').test(current)
}

const LOOSE: Readonly<Record<string, Compare>> = {
  'accepts an empty version as current': (given) => given === '',
  'accepts the text null as current': (given) => given === 'null',
  'trims versions': (given, current) => given.trim() === current,
  'ignores the case of versions': alike((version) => version.toLowerCase()),
  'compares versions only over the length of the given one': (given, current) =>
    given.length > 8 && current.startsWith(given),
  'compares versions only over the length of the current one': (given, current) => given.startsWith(current),
  'compares only the end of versions': (given, current) => isLongEnough(given) && current.endsWith(given),
  'finds a version within a longer text': (given, current) => given.includes(current),
  'compares only the first eight characters': alike((version) => version.slice(0, 8)),
  'does not compare the middle of versions': alike((version) => version.slice(0, 4) + version.slice(-4)),
  'compares versions up to NUL': alike((version) => version.split('\0', 1).join('')),
  'ignores a line feed after a version': (given, current) => given === `${current}\n`,
  'ignores a byte order mark': alike((version) => version.replace('\uFEFF', '')),
  'ignores characters of no width': alike((version) => version.replaceAll('\u200B', '')),
  'ignores accents': alike((version) => version.normalize('NFD').replaceAll(/\p{M}/gu, '')),
  'takes wide letters for letters': alike((version) => version.normalize('NFKC')),
  'decodes percent escapes in versions': (given, current) =>
    /^(?:%[0-9a-f]{2})+$/.test(given) && decodeURIComponent(given) === current,
  'removes quotes around versions': alike((version) => version.replaceAll('"', '')),
  'accepts weak ETags': (given, current) => given === `W/"${current}"`,
  'compares versions with LIKE': (given, current) => matches(given, current, ['_', '%']),
  'compares versions with GLOB': (given, current) => matches(given, current, ['?', '*']),
}

/** Accepts the versions that the entry had before the current one. */
function remembering(accepts: (ago: number, isSameData: boolean) => boolean): Change {
  const former = new Map<string, readonly { readonly version: Version; readonly data: string }[]>()
  return (store, scope) => {
    const note = (key: string, data: string, version: Version | null): Version | null => {
      const place = `${scope}/${key}`
      if (version !== null) former.set(place, [{ version, data }, ...(former.get(place) ?? [])])
      return version
    }
    return {
      create: async (key, entry) => note(key, entry.data, await store.create(key, entry)),
      destroy(key) {
        former.delete(`${scope}/${key}`)
        return store.destroy(key)
      },
      async update(key, entry, version) {
        const known = former.get(`${scope}/${key}`) ?? []
        const ago = known.findIndex((one) => one.version === version)
        const [current] = known
        const isTaken = ago > 0 && accepts(ago, current?.data === entry.data)
        return note(key, entry.data, await store.update(key, entry, isTaken ? (current?.version ?? '') : version))
      },
    }
  }
}

export const versionMutants: readonly Mutant[] = [
  ...Object.entries(LOOSE).map(([name, isTaken]) =>
    mutant('3.2', name, { stores: ({ server }) => lenient(server, isTaken) }),
  ),
  mutant('3.2', 'accepts a version that is five updates old', { stores: () => remembering((ago) => ago === 5) }),
  mutant('3.2', 'accepts an update that repeats the last one', {
    stores: () => remembering((ago, isSameData) => ago === 1 && isSameData),
  }),
  mutant('3.2', 'counts versions, and compares them as numbers', {
    stores: () => {
      let count = 1000
      return versioned(
        () => `${++count}`,
        (given, current) => Number(given) === Number(current),
      )
    },
  }),
]
