import { createHash, randomBytes } from 'node:crypto'
import type { Opened } from '@sess/core/adapter'
import type { Mutant } from '../../mutant.ts'
import { correctParts, EXPIRY_LENGTH } from '../../sealed-store.ts'
import { clientMutant } from './mutant.ts'

const { maxBytes, pack, unpack } = correctParts

/** Writes the expiry in decimal digits and a separator before the data, and reads the data up to the next separator. */
function cutAt(separator: string): Mutant {
  const digits = 16
  return clientMutant('8.1', `cuts data at its own separator ${JSON.stringify(separator)}`, {
    parts: {
      pack: ({ data, expiresAt }) => Buffer.from(`${String(expiresAt).padStart(digits, '0')}${separator}${data}`),
      unpack(bytes) {
        const [expiry, data = ''] = bytes.toString().split(separator)
        return { data, expiresAt: Number(expiry) }
      },
      maxBytes: (length) => maxBytes(length) - (digits + separator.length - EXPIRY_LENGTH),
    },
  })
}

/** In the year 9999, which is the last that a cookie's date can have. */
const LATEST_COOKIE = Date.UTC(9999, 0)

/** The entries of the mutant that keeps them, by token. */
const kept = new Map<string, string>()

export const fidelityMutants: readonly Mutant[] = [
  clientMutant('8.1', 'loses a byte order mark', {
    parts: {
      unpack(bytes) {
        const { data, expiresAt } = unpack(bytes)
        return { data: new TextDecoder().decode(Buffer.from(data)), expiresAt }
      },
    },
  }),
  clientMutant('8.1', 'stores dates beyond 2106 in whole seconds', {
    parts: {
      pack({ data, expiresAt }) {
        const second = Math.floor(expiresAt / 1000)
        return pack({ data, expiresAt: second < 2 ** 32 ? expiresAt : second * 1000 })
      },
    },
  }),
  cutAt('.'),
  cutAt('~'),
  cutAt('--'),
  clientMutant('8.1', 'takes data for padding where there is none', {
    parts: {
      pack(entry) {
        const packed = pack(entry)
        const missing = -packed.length & 15
        return Buffer.concat([packed, Buffer.alloc(missing, missing)])
      },
      unpack(bytes) {
        const last = bytes.at(-1) ?? 0
        const isPadded = last > 0 && last < 16 && bytes.subarray(-last).every((byte) => byte === last)
        return unpack(isPadded ? bytes.subarray(0, -last) : bytes)
      },
      maxBytes: (length) => maxBytes(length) - 15,
    },
  }),
  clientMutant('8.1', 'does not seal data that is a token', {
    change: (store) => ({
      seal: async (entry) => ((await store.open(entry.data)) === null ? store.seal(entry) : entry.data),
    }),
  }),
  clientMutant('8.1', 'opens an expired token as null', {
    change: (store) => ({
      async open(token) {
        const opened = await store.open(token)
        return opened && opened.expiresAt > Date.now() ? opened : null
      },
    }),
  }),
  clientMutant('8.1', 'opens a token only once', {
    change(store) {
      const opened = new Set<string>()
      return {
        open(token) {
          if (opened.has(token)) return null
          opened.add(token)
          return store.open(token)
        },
      }
    },
  }),
  clientMutant('8.1', 'opens only the token that it sealed last', {
    change(store) {
      let last: string | undefined
      return {
        seal: async (entry) => (last = await store.seal(entry)),
        open: (token) => (last === undefined || token === last ? store.open(token) : null),
      }
    },
  }),
  clientMutant('8.1', 'changes the entry that it is given', {
    change: (store) => ({
      seal: (entry) => store.seal(Object.assign(entry, { expiresAt: Math.min(entry.expiresAt, LATEST_COOKIE) })),
    }),
  }),
  clientMutant('8.1', 'opens only what the same instance sealed', {
    also: ['8.4'],
    partsOfInstance() {
      const salt = randomBytes(16).toString('hex')
      return { additional: (name) => salt + name }
    },
  }),
  clientMutant('8.1', 'keeps the entries in the process', {
    change: (store) => ({
      async seal(entry) {
        const sealed = await store.seal(entry)
        const token = createHash('sha256').update(sealed).digest('base64url')
        kept.set(token, sealed)
        return token
      },
      open: (token) => store.open(kept.get(token) ?? ''),
    }),
  }),
  clientMutant('8.1', 'mixes up entries that it seals at the same time', {
    change(store) {
      let current = { data: '', expiresAt: 1 }
      return {
        async seal(entry) {
          current = entry
          await Promise.resolve()
          return store.seal(current)
        },
      }
    },
  }),
  clientMutant('8.1', 'returns the same object for everything that it opens', {
    change(store) {
      const shared: Opened = { data: '', expiresAt: 1, outdated: false }
      return {
        async open(token) {
          const opened = await store.open(token)
          return opened && Object.assign(shared, opened)
        },
      }
    },
  }),
]
