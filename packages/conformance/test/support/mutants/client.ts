import { createHash, randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { type Adapter, SessError } from '@sess/core/adapter'
import type { Mutant } from '../mutant.ts'
import { correctParts, EXPIRY_LENGTH, gcm, NONCE_LENGTH, type Parts, sealedAdapter } from '../sealed-store.ts'

interface ClientFault {
  readonly also?: readonly string[]
  readonly parts?: Partial<Parts>
  readonly adapter?: (correct: Adapter) => Adapter
}

function clientMutant(clause: string, name: string, { also = [], parts, adapter }: ClientFault): Mutant {
  const sealed = sealedAdapter({ ...correctParts, ...parts })
  const harness = { adapter: adapter?.(sealed) ?? sealed }
  return {
    kind: 'client',
    clause,
    name,
    also,
    isApart: false,
    start: async () => ({ harness, close: async () => {} }),
  }
}

/** A client store with one field replaced. */
function withField(name: string, field: object): Mutant {
  return clientMutant('10.1', name, {
    adapter: (correct) => (options, context) => Object.assign(correct(options, context), field),
  })
}

const { decode, encode, keys, maxBytes, pack, unpack } = correctParts

const tokens: readonly Mutant[] = [
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
  clientMutant('8.2', 'accepts every spelling that decodes to a token', {
    parts: { decode: (token) => Buffer.from(token, 'base64url') },
  }),
  clientMutant('8.2', 'accepts whitespace around a token', { parts: { decode: (token) => decode(token.trim()) } }),
  clientMutant('8.2', 'trusts the length that a token declares', {
    parts: {
      encode: (bytes) => encode(Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length), bytes])),
      decode(token) {
        const bytes = decode(token)
        return bytes && bytes.length >= 2 ? bytes.subarray(2, 2 + bytes.readUInt16BE()) : undefined
      },
      maxBytes: (maxValueLength) => maxBytes(maxValueLength) - 2,
    },
  }),
  clientMutant('8.2', 'checks only four bytes of the tag', { parts: { box: gcm(4) } }),
  clientMutant('8.3', 'does not bind a token to a cookie', { parts: { additional: () => '' } }),
  clientMutant('8.3', 'uses one key for every secret', {
    also: ['8.4'],
    parts: { keys: () => [Buffer.alloc(32, 'the key')] },
  }),
  clientMutant('8.4', 'opens with only the newest secret', { parts: { keys: (all) => all.slice(0, 1) } }),
  clientMutant('8.4', 'never reports a token as outdated', { parts: { isOutdated: () => false } }),
  clientMutant('8.4', 'seals with the oldest secret', { parts: { keys: (all) => keys(all).toReversed() } }),
  clientMutant('8.5', 'derives the nonce from the entry', {
    parts: {
      nonce: ({ data, expiresAt }) =>
        createHash('sha256').update(`${expiresAt}${data}`).digest().subarray(0, NONCE_LENGTH),
    },
  }),
  clientMutant('8.5', 'shows the start of the data', {
    parts: {
      nonce: ({ data }) =>
        Buffer.concat([Buffer.from(data).subarray(0, 8), randomBytes(NONCE_LENGTH)]).subarray(0, NONCE_LENGTH),
    },
  }),
  clientMutant('8.5', 'compresses the data', {
    parts: {
      pack({ data, expiresAt }) {
        return Buffer.concat([pack({ data: '', expiresAt }), deflateRawSync(data)])
      },
      unpack(bytes) {
        const { expiresAt } = unpack(bytes)
        return { data: inflateRawSync(bytes.subarray(EXPIRY_LENGTH)).toString(), expiresAt }
      },
    },
  }),
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
  clientMutant('8.7', 'declares a maxBytes too large for a cookie', {
    parts: { maxBytes: (length) => maxBytes(length) + 1 },
  }),
  clientMutant('8.8', 'throws for strings longer than a cookie', {
    parts: {
      decode(token) {
        if (token.length > 10_000) throw new RangeError('a token is too long')
        return decode(token)
      },
    },
  }),
]

const options: readonly Mutant[] = [
  clientMutant('7.6', 'ignores unknown options', {
    adapter: (correct) => (_, context) => correct({}, context),
  }),
  clientMutant('7.6', 'repeats the options that it refuses', {
    adapter: (correct) => (given, context) => {
      try {
        return correct(given, context)
      } catch (error) {
        const message = error instanceof Error ? error.message : ''
        const all = Object.values(given).map(String).join(', ')
        throw new SessError('INVALID_OPTION', `${message} Given: ${all}`, { cause: error })
      }
    },
  }),
]

export const clientMutants: readonly Mutant[] = [
  ...tokens,
  ...options,
  withField('has no name', { name: '' }),
  withField('has a fractional maxBytes', { maxBytes: 100.5 }),
]
