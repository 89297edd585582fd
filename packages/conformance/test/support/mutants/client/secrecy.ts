import { createHash, createHmac, randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Mutant } from '../../mutant.ts'
import { correctParts, EXPIRY_LENGTH, NONCE_LENGTH } from '../../sealed-store.ts'
import { clientMutant } from './mutant.ts'

const { maxBytes, pack, unpack } = correctParts

/** The most characters that a mutant adds to a token. */
const ADDED = 44

/** Adds a text to each token that depends on the data, and on nothing else. */
function showing(what: string, shown: (data: Buffer) => string): Mutant {
  return clientMutant('8.5', `shows ${what}`, {
    change: (store) => ({
      maxBytes: store.maxBytes - ADDED,
      seal: async (entry) => `${await store.seal(entry)}.${shown(Buffer.from(entry.data))}`,
      async open(token) {
        const [sealed = '', ...rest] = token.split('.')
        const opened = await store.open(sealed)
        return opened && rest.length === 1 && rest[0] === shown(Buffer.from(opened.data)) ? opened : null
      },
    }),
  })
}

function shownParts(): readonly Mutant[] {
  return [
    showing('the end of the data in base64url', (data) => data.subarray(-6).toString('base64url')),
    showing('the start of the data in hexadecimal digits', (data) => data.subarray(0, 4).toString('hex')),
    showing('the middle of the data in reverse', (data) => {
      const middle = data.length >> 1
      return data
        .subarray(middle, middle + 6)
        .toReversed()
        .reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')
    }),
    showing('the end of long data alone', (data) => data.subarray(64).subarray(-6).toString('base64url')),
    showing('the data under a constant mask', (data) =>
      Buffer.from(data.subarray(0, 6).map((byte) => byte ^ 0b1010_1010)).toString('base64url'),
    ),
    showing('one letter of the data', (data) => ((data[3] ?? 0) % 10).toString()),
    showing('a hash of the data', (data) => createHash('sha256').update(data).digest('base64url')),
    showing('a MAC of the data', (data) => createHmac('sha256', 'a key').update(data).digest('base64url')),
  ]
}

function counted(count: number): Buffer {
  const nonce = Buffer.alloc(NONCE_LENGTH)
  nonce.writeUInt32BE(count, NONCE_LENGTH - 4)
  return nonce
}

function hashed(...from: readonly unknown[]): Buffer {
  return createHash('sha256').update(from.join('/')).digest().subarray(0, NONCE_LENGTH)
}

let instances = 0
let seals = 0

const nonces: readonly Mutant[] = [
  clientMutant('8.5', 'derives the nonce from the entry', {
    parts: { nonce: ({ data, expiresAt }) => hashed(expiresAt, data) },
  }),
  clientMutant('8.5', 'draws no nonce for empty data', {
    parts: { nonce: ({ data }) => (data === '' ? Buffer.alloc(NONCE_LENGTH) : randomBytes(NONCE_LENGTH)) },
  }),
  clientMutant('8.5', 'counts nonces from zero in each instance', {
    partsOfInstance() {
      let count = 0
      return { nonce: () => counted(count++) }
    },
  }),
  clientMutant('8.5', 'counts nonces from zero in each process', { parts: { nonce: () => counted(seals++) } }),
  clientMutant('8.5', 'counts nonces from zero in each process, the lowest byte first', {
    parts: { nonce: () => Buffer.from(counted(seals++).toReversed()) },
  }),
  clientMutant('8.5', 'derives the nonce from the entry and a count in each instance', {
    partsOfInstance() {
      let count = 0
      return { nonce: ({ data, expiresAt }) => hashed(expiresAt, data, count++) }
    },
  }),
  clientMutant('8.5', 'repeats its nonces after 256 seals', {
    partsOfInstance() {
      const start = randomBytes(NONCE_LENGTH)
      let count = 0
      return { nonce: () => hashed(start.toString('hex'), count++ % 256) }
    },
  }),
  clientMutant('8.5', 'draws nonces of 16 bits', {
    parts: { nonce: () => hashed(randomBytes(2).toString('hex')) },
  }),
  clientMutant('8.5', 'seeds the nonces of an instance with the time', {
    partsOfInstance() {
      const seed = Date.now()
      let count = 0
      return { nonce: () => hashed(seed, count++) }
    },
  }),
  clientMutant('8.5', 'seeds the nonces of an instance with its number, which has 4 bits', {
    partsOfInstance() {
      const seed = instances++ % 16
      let count = 0
      return { nonce: () => hashed(seed, count++) }
    },
  }),
  clientMutant('8.5', 'shows the start of the data', {
    parts: {
      nonce: ({ data }) =>
        Buffer.concat([Buffer.from(data).subarray(0, 4), randomBytes(NONCE_LENGTH)]).subarray(0, NONCE_LENGTH),
    },
  }),
]

const PADDED = 16

const lengths: readonly Mutant[] = [
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
  clientMutant('8.5', 'compresses data of more than 1000 bytes if that makes it shorter', {
    parts: {
      pack({ data, expiresAt }) {
        const plain = Buffer.from(data)
        const deflated = deflateRawSync(plain)
        const isDeflated = plain.length > 1000 && deflated.length < plain.length
        return Buffer.concat([
          pack({ data: '', expiresAt }),
          Buffer.of(Number(isDeflated)),
          isDeflated ? deflated : plain,
        ])
      },
      unpack(bytes) {
        const { expiresAt } = unpack(bytes)
        const rest = bytes.subarray(EXPIRY_LENGTH + 1)
        return { data: (bytes[EXPIRY_LENGTH] === 1 ? inflateRawSync(rest) : rest).toString(), expiresAt }
      },
      maxBytes: (length) => maxBytes(length) - 1,
    },
  }),
  clientMutant('8.5', 'writes the expiry in as many digits as it has', {
    parts: {
      pack: ({ data, expiresAt }) => Buffer.from(`${expiresAt.toString(16)}/${data}`.padStart(EXPIRY_LENGTH, '/')),
      unpack(bytes) {
        const [, digits = '', data = ''] = /^\/*([\da-f]+)\/(.*)$/s.exec(bytes.toString()) ?? []
        return { data, expiresAt: Number.parseInt(digits, 16) }
      },
      maxBytes: (length) => maxBytes(length) - 8,
    },
  }),
  clientMutant('8.5', 'escapes quotes and line breaks', {
    parts: {
      pack: ({ data, expiresAt }) => pack({ data: data.replaceAll(/["\\\n]/g, '\\$&'), expiresAt }),
      unpack(bytes) {
        const { data, expiresAt } = unpack(bytes)
        return { data: data.replaceAll(/\\(["\\\n])/g, '$1'), expiresAt }
      },
      maxBytes: (length) => Math.floor(maxBytes(length) / 2),
    },
  }),
  clientMutant('8.5', 'pads tokens to a random length', {
    parts: {
      pack(entry) {
        const { length } = randomBytes((randomBytes(1)[0] ?? 0) % PADDED)
        return Buffer.concat([Buffer.of(length), Buffer.alloc(length), pack(entry)])
      },
      unpack: (bytes) => unpack(bytes.subarray(1 + (bytes[0] ?? 0))),
      maxBytes: (length) => maxBytes(length) - PADDED,
    },
  }),
]

export const secrecyMutants: readonly Mutant[] = [...nonces, ...shownParts(), ...lengths]
