import type { Mutant } from '../../mutant.ts'
import { correctParts, OVERHEAD } from '../../sealed-store.ts'
import { clientMutant, respelled } from './mutant.ts'

const { decode, encode, maxBytes, pack, unpack } = correctParts

const LINES = /.{1000}/g

export const cookieValueMutants: readonly Mutant[] = [
  clientMutant('8.6', 'makes tokens that form-decoding changes', {
    parts: {
      encode: (bytes) => encode(bytes).replaceAll('-', '+'),
      decode: (token) => (token.includes('-') ? undefined : decode(token.replaceAll('+', '-'))),
    },
  }),
  clientMutant('8.6', 'puts tokens in quotes', {
    parts: {
      encode: (bytes) => `"${encode(bytes)}"`,
      decode: (token) => (/^".*"$/s.test(token) ? decode(token.slice(1, -1)) : undefined),
      maxBytes: (maxValueLength) => maxBytes(maxValueLength) - 2,
    },
  }),
  clientMutant('8.6', 'breaks long tokens into lines', {
    parts: { maxBytes: (length) => maxBytes(length) - 10 },
    change: respelled(
      (token) => token.replaceAll(LINES, '$&\n'),
      (token) => {
        const inner = token.replaceAll('\n', '')
        return inner.replaceAll(LINES, '$&\n') === token ? inner : undefined
      },
    ),
  }),
  clientMutant('8.7', 'declares a maxBytes too large for a cookie', {
    parts: { maxBytes: (length) => maxBytes(length) + 1 },
  }),
  clientMutant('8.7', 'knows the length of the cookie name, but not of the other attributes', {
    change: (_, { cookie: { name } }) => ({ maxBytes: maxBytes(3970 - name.length) }),
  }),
  clientMutant('8.7', 'declares maxBytes in characters', {
    also: ['8.5'],
    parts: {
      pack: ({ data, expiresAt }) => Buffer.concat([pack({ data: '', expiresAt }), Buffer.from(data, 'utf16le')]),
      unpack: (bytes) => ({ data: bytes.toString('utf16le', 8), expiresAt: unpack(bytes).expiresAt }),
    },
  }),
  clientMutant('8.7', 'does not count that it doubles quotes', {
    also: ['8.5'],
    parts: {
      pack: ({ data, expiresAt }) => pack({ data: data.replaceAll('"', '""'), expiresAt }),
      unpack(bytes) {
        const { data, expiresAt } = unpack(bytes)
        return { data: data.replaceAll('""', '"'), expiresAt }
      },
    },
  }),
  clientMutant('8.7', 'rounds maxBytes up', {
    parts: { maxBytes: (length) => Math.ceil((length * 3) / 4) - OVERHEAD },
  }),
]
