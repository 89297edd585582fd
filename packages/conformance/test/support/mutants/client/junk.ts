import { hkdfSync, pbkdf2, scryptSync } from 'node:crypto'
import { promisify } from 'node:util'
import type { ClientStore, Opened } from '@sess/core/adapter'
import type { Mutant } from '../../mutant.ts'
import { correctParts } from '../../sealed-store.ts'
import { hintsOf } from './hint.ts'
import { clientMutant, storeOf } from './mutant.ts'

const { decode } = correctParts

/** Opens a text that contains an entry in JSON. */
function unsealed(text: string): Opened | null {
  try {
    const entry: unknown = JSON.parse(text)
    if (typeof entry !== 'object' || entry === null || !('data' in entry) || !('expiresAt' in entry)) return null
    const { data, expiresAt } = entry
    return typeof data === 'string' && typeof expiresAt === 'number' ? { data, expiresAt, outdated: true } : null
  } catch {
    return null
  }
}

const LOCKED_AFTER = 300

export const junkMutants: readonly Mutant[] = [
  clientMutant('8.8', 'throws for strings longer than a cookie', {
    parts: {
      decode(token) {
        if (token.length > 10_000) throw new RangeError('a token is too long')
        return decode(token)
      },
    },
  }),
  clientMutant('8.8', 'throws for a lone surrogate', {
    change: (store) => ({ open: (token) => (encodeURIComponent(token) === '' ? null : store.open(token)) }),
  }),
  clientMutant('8.8', 'throws for the empty string', {
    change: (store) => ({
      open(token) {
        if (token === '') throw new TypeError('there is no token')
        return store.open(token)
      },
    }),
  }),
  clientMutant('8.8', 'throws for JSON that is not an object', {
    change: (store) => ({
      open(token) {
        if (token === 'null') throw new TypeError('null has no fields')
        return store.open(token)
      },
    }),
  }),
  clientMutant('8.8', 'looks the hint of a token up among the fields of every object', {
    change(store, context) {
      const separator = '.'
      const hints = hintsOf(context)
      const [newest = ''] = hints
      const stores = hints.map(
        (hint, at) => [hint, storeOf({ keys: (all) => all.slice(at, at + 1) }, context)] as const,
      )
      const known: Readonly<Record<string, ClientStore>> = Object.fromEntries(stores)
      return {
        maxBytes: store.maxBytes - newest.length - separator.length,
        seal: async (entry) => `${newest}${separator}${await store.seal(entry)}`,
        async open(token) {
          const [hint = '', sealed = '', ...rest] = token.split(separator)
          const found = rest.length === 0 ? known[hint] : undefined
          const opened = found === undefined ? null : await found.open(sealed)
          return opened && { ...opened, outdated: hint !== newest }
        },
      }
    },
  }),
  clientMutant('8.8', 'opens an entry in JSON', {
    change: (store) => ({ open: async (token) => (await store.open(token)) ?? unsealed(token) }),
  }),
  clientMutant('8.8', 'opens an entry in JSON in base64url', {
    change: (store) => ({
      open: async (token) => (await store.open(token)) ?? unsealed(Buffer.from(token, 'base64url').toString()),
    }),
  }),
  clientMutant('8.8', 'opens nothing more after many junk tokens', {
    change(store) {
      let failures = 0
      return {
        async open(token) {
          if (failures > LOCKED_AFTER) return null
          const opened = await store.open(token)
          if (opened === null) failures += 1
          return opened
        },
      }
    },
  }),
  clientMutant('8.8', 'derives keys from the hint of each token', {
    change(store, context) {
      const [hint = ''] = hintsOf(context)
      return {
        open(token) {
          context.keys(`hint/${token.slice(0, hint.length)}`)
          return store.open(token)
        },
      }
    },
  }),
  clientMutant('8.8', 'derives a key from the salt of each token', {
    change: (store) => ({
      open(token) {
        hkdfSync('sha256', 'the key', token.slice(0, 16), '', 32)
        return store.open(token)
      },
    }),
  }),
  clientMutant('8.8', 'stretches a key for each token that does not open', {
    change: (store) => ({
      async open(token) {
        const opened = await store.open(token)
        if (opened === null) scryptSync('the key', token.slice(0, 16), 32, { N: 2, p: 1, r: 1 })
        return opened
      },
    }),
  }),
  clientMutant('8.8', 'stretches a key in another thread for each token', {
    change: (store) => ({
      async open(token) {
        if (decode(token)) await promisify(pbkdf2)('the key', token.slice(0, 16), 1, 32, 'sha256')
        return store.open(token)
      },
    }),
  }),
]
