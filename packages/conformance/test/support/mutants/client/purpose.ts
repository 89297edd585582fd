import { createHash, createHmac } from 'node:crypto'
import type { ClientStore, Opened } from '@sess/core/adapter'
import type { Mutant } from '../../mutant.ts'
import { macBox } from './box.ts'
import { hintsOf } from './hint.ts'
import { clientMutant } from './mutant.ts'

/** Mutants that bind a token to less than the cookie's name. */
const names: Readonly<Record<string, (name: string) => string>> = {
  'does not bind a token to a cookie': () => '',
  'ignores the case of a cookie name': (name) => name.toLowerCase(),
  'reads only the first 4 characters of a cookie name': (name) => name.slice(0, 4),
  'reads only the first 32 characters of a cookie name': (name) => name.slice(0, 32),
  'reads only the last 8 characters of a cookie name': (name) => name.slice(-8),
  'reads only the length of a cookie name': (name) => String(name.length),
  'ignores the order of the characters of a cookie name': (name) => [...name].toSorted().join(''),
  'ignores the punctuation in a cookie name': (name) => name.replaceAll(/\W|_/g, ''),
  'reads a cookie name up to the first dot': (name) => name.split('.')[0] ?? '',
  'decodes percent-encoding in a cookie name': (name) => name.replaceAll('%73', 's'),
  'reads cookie names of digits as numbers': (name) => (/^\d+$/.test(name) ? String(Number(name)) : name),
}

const LABEL_LENGTH = 8

/** The stores of the mutant that knows secrets from elsewhere, by hint and cookie name. */
const everyStore = new Map<string, ClientStore>()

/** What the mutant that remembers opened in any instance, by token. */
const everyOpened = new Map<string, Opened>()

/** The instance that was made last, by cookie name. */
const latest = new Map<string, ClientStore>()

export const purposeMutants: readonly Mutant[] = [
  ...Object.entries(names).map(([name, additional]) => clientMutant('8.3', name, { parts: { additional } })),
  clientMutant('8.3', 'authenticates the cookie name and the token as one text', {
    parts: {
      box: macBox({
        mac: (sealed, { key, additional }) => createHmac('sha256', key).update(additional).update(sealed).digest(),
      }),
    },
  }),
  clientMutant('8.3', 'authenticates the token and the cookie name as one text', {
    parts: {
      box: macBox({
        mac: (sealed, { key, additional }) => createHmac('sha256', key).update(sealed).update(additional).digest(),
      }),
    },
  }),
  clientMutant('8.3', 'compares the cookie name that a token carries, and does not authenticate it', {
    parts: { additional: () => '' },
    change(store, { cookie: { name } }) {
      const label = createHash('sha256').update(name).digest('base64url').slice(0, LABEL_LENGTH)
      return {
        maxBytes: store.maxBytes - LABEL_LENGTH,
        seal: async (entry) => label + (await store.seal(entry)),
        open: (token) => (token.startsWith(label) ? store.open(token.slice(LABEL_LENGTH)) : null),
      }
    },
  }),
  clientMutant('8.3', 'takes the key that the hint names, whether it is listed or not', {
    also: ['8.4'],
    parts: { keys: (all) => all.slice(0, 1) },
    change(store, context) {
      const [newest = ''] = hintsOf(context)
      everyStore.set(newest + context.cookie.name, store)
      return {
        maxBytes: store.maxBytes - newest.length,
        seal: async (entry) => newest + (await store.seal(entry)),
        async open(token) {
          const hint = token.slice(0, newest.length)
          const opened = await everyStore.get(hint + context.cookie.name)?.open(token.slice(newest.length))
          return opened ? { ...opened, outdated: hint !== newest } : null
        },
      }
    },
  }),
  clientMutant('8.3', 'remembers what any instance opened', {
    also: ['8.4'],
    change: (store) => ({
      async open(token) {
        const came = everyOpened.get(token) ?? (await store.open(token))
        if (came) everyOpened.set(token, came)
        return came
      },
    }),
  }),
  clientMutant('8.3', 'uses the secrets of the instance that was made last', {
    also: ['8.4'],
    change(store, context) {
      latest.set(context.cookie.name, store)
      return {
        seal: (entry) => (latest.get(context.cookie.name) ?? store).seal(entry),
        open: (token) => (latest.get(context.cookie.name) ?? store).open(token),
      }
    },
  }),
  clientMutant('8.3', 'uses one key for every secret', {
    also: ['8.4'],
    parts: { keys: () => [Buffer.alloc(32, 'the key')] },
  }),
  clientMutant('8.3', 'uses only one byte of each key', {
    parts: { keys: (all) => all.map(([first = 0]) => Buffer.alloc(32, first)) },
  }),
]
