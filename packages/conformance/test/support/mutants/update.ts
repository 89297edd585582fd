import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Entry, Stored, Version } from '@sess/core/adapter'
import type { LineServer } from '../line-server.ts'
import { type Change, type Defect, mutant, type Mutant } from '../mutant.ts'
import { alter, putIfOpen } from './alter.ts'

const HOUR = 3_600_000
const BLOCK = 32

/** Replaces the versions of the correct store. `next` returns the version of each write. `writes`: of one instance. */
export function versioned(
  next: (key: string, entry: Entry, isNew: boolean, writes: number) => Version,
  isTaken: (given: Version, current: Version) => boolean = (given, current) => given === current,
): Change {
  const versions = new Map<string, { readonly correct: Version; readonly own: Version }>()
  return (store, scope) => {
    let writes = 0
    const put = (key: string, entry: Entry, correct: Version | null, isNew: boolean): Version | null => {
      if (correct === null) return null
      const own = next(`${scope}/${key}`, entry, isNew, ++writes)
      versions.set(`${scope}/${key}`, { correct, own })
      return own
    }
    return {
      create: async (key, entry) => put(key, entry, await store.create(key, entry), true),
      async read(key) {
        const found = await store.read(key)
        const known = versions.get(`${scope}/${key}`)
        return found && { ...found, version: known?.correct === found.version ? known.own : found.version }
      },
      async update(key, entry, version) {
        const known = versions.get(`${scope}/${key}`)
        const correct = known && isTaken(version, known.own) ? known.correct : version
        return put(key, entry, await store.update(key, entry, correct), false)
      },
    }
  }
}

const whole: readonly Mutant[] = [
  mutant('3.1', 'leaves old data after the new data, in blocks of 32', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        update(key, { data, expiresAt }, version) {
          const rest = data.length < BLOCK ? (server.stored(scope, key)?.data.slice(BLOCK) ?? '') : ''
          return store.update(key, { data: data + rest, expiresAt }, version)
        },
      }),
  }),
  mutant('3.1', 'makes an expiry sooner only by whole hours', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        update(key, { data, expiresAt }, version) {
          const before = server.stored(scope, key)?.expiresAt ?? 0
          const isKept = before > expiresAt && before - expiresAt < HOUR
          return store.update(key, { data, expiresAt: isKept ? before : expiresAt }, version)
        },
      }),
  }),
]

/** What an update does in two steps. `between`: what the key holds between them. */
function inSteps(between: (before: Stored, after: Entry) => Entry | undefined): Defect {
  return {
    keys: (key) => key === 'key',
    stores:
      ({ server }) =>
      (store, scope) => ({
        async update(key, entry, version) {
          const before = server.stored(scope, key)
          if (before?.version !== version || server.mode !== 'open') return store.update(key, entry, version)
          const torn = between(before, entry)
          if (torn) server.entriesOf(scope).set(key, { ...before, ...torn })
          else server.entriesOf(scope).delete(key)
          await turn()
          if (server.held(scope, key) === undefined) server.entriesOf(scope).set(key, before)
          return store.update(key, entry, version)
        },
      }),
  }
}

const torn: readonly Mutant[] = [
  mutant('3.1', 'deletes an entry before it writes it anew', { also: ['3.5'], ...inSteps(() => undefined) }),
  mutant(
    '3.1',
    'writes the data first and then the expiry',
    inSteps(({ expiresAt }, { data }) => ({ data, expiresAt })),
  ),
  mutant(
    '3.1',
    'writes the expiry first and then the data',
    inSteps(({ data }, { expiresAt }) => ({ data, expiresAt })),
  ),
  mutant(
    '3.1',
    'empties an entry before it writes it',
    inSteps(({ expiresAt }) => ({ data: '', expiresAt })),
  ),
  mutant('3.1', 'cuts data at 16 KiB when it updates', {
    stores: () => (store) => ({
      update: (key, { data, expiresAt }, version) =>
        store.update(key, { data: data.slice(0, 16_384), expiresAt }, version),
    }),
  }),
]

const refusal: readonly Mutant[] = [
  mutant('3.2', 'extends the entry when it refuses an update', {
    stores:
      ({ server }) =>
      (store, scope) => ({
        async update(key, entry, version) {
          const next = await store.update(key, entry, version)
          if (next === null) alter(server, scope, key, { expiresAt: entry.expiresAt + 1000 })
          return next
        },
      }),
  }),
  mutant('3.2', 'creates the entry when an update does not find it', {
    also: ['2.4', '3.4', '4.4', '5.1', '6.3'],
    stores: () => (store) => ({
      async update(key, entry, version) {
        const next = await store.update(key, entry, version)
        return next ?? store.create(key, entry)
      },
    }),
  }),
]

const races: readonly Mutant[] = [
  mutant('3.3', 'checks whether a version is current, and then writes', {
    also: ['3.5'],
    stores:
      ({ server }) =>
      (store, scope) => ({
        async update(key, entry, version) {
          const isCurrent = server.stored(scope, key)?.version === version
          await turn()
          if (!isCurrent || server.held(scope, key) === undefined) return store.update(key, entry, version)
          return putIfOpen(server, scope, key, entry)
        },
      }),
  }),
  mutant('3.5', 'merges equal updates that are under way at the same time', {
    stores: () => (store) => {
      const running = new Map<string, Promise<Version | null>>()
      return {
        async update(key, entry, version) {
          const place = `${key} ${version} ${entry.data}`
          const own = running.get(place) ?? turn().then(() => store.update(key, entry, version))
          running.set(place, own)
          try {
            return await own
          } finally {
            running.delete(place)
          }
        },
      }
    },
  }),
]

const reuse: readonly Mutant[] = [
  mutant('3.4', 'derives versions from the content', {
    stores: () => versioned((_, { data }) => createHash('sha1').update(data).digest('hex')),
  }),
  mutant('3.4', 'counts versions from each create', {
    also: ['1.4'],
    stores: () => {
      const counts = new Map<string, number>()
      return versioned((place, _, isNew) => {
        const count = isNew ? 1 : (counts.get(place) ?? 0) + 1
        counts.set(place, count)
        return `${count}`
      })
    },
  }),
  mutant('3.4', 'counts versions in each instance', {
    also: ['3.2'],
    stores: () => versioned((_, __, ___, writes) => `v${writes}`),
  }),
  counterOfBackend(),
]

function counterOfBackend(): Mutant {
  const counts = new WeakMap<LineServer, number>()
  return mutant('3.4', 'counts versions from the start of the backend', {
    stores: ({ server }) =>
      versioned(() => {
        const count = (counts.get(server) ?? 0) + 1
        counts.set(server, count)
        return `${count}`
      }),
    backend: ({ server }) => ({
      restart() {
        counts.delete(server)
        server.restart()
      },
    }),
  })
}

const freshness: readonly Mutant[] = [
  mutant('3.6', 'sees no update of another instance until its own update is refused', {
    stores: () => (store) => {
      const kept = new Map<string, Stored>()
      return {
        async read(key) {
          const found = await store.read(key)
          if (found === null) kept.delete(key)
          else if (!kept.has(key)) kept.set(key, found)
          const own = kept.get(key)
          return own ? { ...own } : null
        },
        update(key, entry, version) {
          kept.delete(key)
          return store.update(key, entry, version)
        },
      }
    },
  }),
]

export const updateMutants: readonly Mutant[] = [...whole, ...torn, ...refusal, ...races, ...reuse, ...freshness]
