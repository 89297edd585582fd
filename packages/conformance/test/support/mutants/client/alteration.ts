import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { Opened } from '@sess/core/adapter'
import type { Mutant } from '../../mutant.ts'
import { type Box, correctParts, gcm, NONCE_LENGTH, OVERHEAD, TAG_LENGTH } from '../../sealed-store.ts'
import { ctr, macBox } from './box.ts'
import { hinted } from './hint.ts'
import { clientMutant, lenient } from './mutant.ts'

const { box, decode, encode, maxBytes } = correctParts

/** Uses a checksum of four bytes instead of a tag. Two flipped bits can cancel each other out. */
const checksum: Box = {
  seal: (packed, nonce, { key, additional }) =>
    Buffer.concat([nonce, ctr(Buffer.concat([packed, folded(packed, additional)]), key, nonce)]),
  open(sealed, { key, additional }) {
    const plain = ctr(sealed.subarray(NONCE_LENGTH), key, sealed.subarray(0, NONCE_LENGTH))
    const packed = plain.subarray(0, -TAG_LENGTH)
    return folded(packed, additional).equals(plain.subarray(-TAG_LENGTH)) ? packed : undefined
  },
}

/** The XOR of all blocks of as many bytes as a tag has. */
function folded(packed: Buffer, additional: Buffer): Buffer {
  const sum = createHash('sha256').update(additional).digest().subarray(0, TAG_LENGTH)
  for (const [at, byte] of packed.entries()) sum[at % TAG_LENGTH] = (sum[at % TAG_LENGTH] ?? 0) ^ byte
  return sum
}

const AUTHENTICATED = 64

/** The tag covers only the first bytes. */
const headOnly: Box = {
  seal: (packed, nonce, binding) =>
    Buffer.concat([
      ctr(packed.subarray(AUTHENTICATED), binding.key, nonce),
      box.seal(packed.subarray(0, AUTHENTICATED), nonce, binding),
    ]),
  open(sealed, binding) {
    const tailLength = Math.max(0, sealed.length - NONCE_LENGTH - AUTHENTICATED - TAG_LENGTH)
    const head = sealed.subarray(tailLength)
    const packed = box.open(head, binding)
    const tail = ctr(sealed.subarray(0, tailLength), binding.key, head.subarray(0, NONCE_LENGTH))
    return packed && Buffer.concat([packed, tail])
  },
}

const CHUNK = 32
const SEALED_CHUNK = NONCE_LENGTH + CHUNK + TAG_LENGTH

/** Every 32 bytes are sealed by themselves, so that they can be dropped, repeated and reordered. */
const chunks: Box = {
  seal: (packed, nonce, binding) =>
    Buffer.concat(
      pieces(packed, CHUNK).map((piece, at) => box.seal(piece, at === 0 ? nonce : randomBytes(NONCE_LENGTH), binding)),
    ),
  open(sealed, binding) {
    const opened: Buffer[] = []
    for (const piece of pieces(sealed, SEALED_CHUNK)) {
      const packed = piece.length > NONCE_LENGTH + TAG_LENGTH ? box.open(piece, binding) : undefined
      if (packed === undefined) return undefined
      opened.push(packed)
    }
    return Buffer.concat(opened)
  },
}

function pieces(bytes: Buffer, length: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, at) =>
    bytes.subarray(at * length, (at + 1) * length),
  )
}

/** Compares the bytes of a tag without regard to their order. */
const unordered = macBox({
  mac: (sealed, { key, additional }) =>
    createHmac('sha256', key).update(`${additional.length}/`).update(additional).update(sealed).digest(),
  isSame: (one, other) => one.toSorted().join() === other.toSorted().join(),
})

const hex = {
  encode: (bytes: Buffer) => bytes.toString('hex'),
  maxBytes: (length: number) => Math.floor(length / 2) - OVERHEAD,
}

function percentDecoded(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}

/** Mutants that open other spellings of a token. */
const spellings: Readonly<Record<string, (token: string) => string | undefined>> = {
  'accepts whitespace around a token': (token) => token.trim(),
  'ignores line breaks in a token': (token) => token.replaceAll(/\r?\n/g, ''),
  'ignores zero-width characters in a token': (token) => token.replaceAll(/[\u200B-\u200D\u2060\uFEFF]/g, ''),
  'accepts a token in quotes': (token) => /^(["'])(.*)\1$/s.exec(token)?.[2] ?? token,
  'decodes percent-encoding in a token': percentDecoded,
  'reads only the low byte of each character': (token) => Buffer.from(token, 'latin1').toString('latin1'),
  'accepts compatible Unicode characters': (token) => token.normalize('NFKC'),
  'ignores what follows a dot': (token) => token.split('.')[0],
  'ignores what follows a colon': (token) => token.split(':')[0],
  'reads what follows the last comma': (token) => token.split(',').at(-1),
  'ignores the prefix of a signed cookie': (token) => token.replace(/^s:/, ''),
  'searches a string for a token': (token) => /[\w-]{40,}/.exec(token)?.[0],
  'ignores padding': (token) => token.replace(/=+$/, ''),
  'reads a token up to the first NUL': (token) => token.split('\0')[0],
  'removes backslashes from a token': (token) => token.replaceAll('\\', ''),
}

/** Mutants that remember what they opened, by less than the whole token. */
const remembered: Readonly<Record<string, (token: string) => string>> = {
  'remembers what it opened by the first 32 characters of the token': (token) => token.slice(0, 32),
  'remembers what it opened by the last 24 characters of the token': (token) => token.slice(-24),
  'remembers what it opened without regard to case': (token) => token.toLowerCase(),
}

export const alterationMutants: readonly Mutant[] = [
  ...Object.entries(spellings).map(([name, read]) => clientMutant('8.2', name, { change: lenient(read) })),
  clientMutant('8.2', 'accepts every spelling that decodes to a token', {
    parts: { decode: (token) => Buffer.from(token, 'base64url') },
  }),
  clientMutant('8.2', 'accepts hexadecimal digits in both cases', {
    parts: {
      ...hex,
      decode: (token) => (/^([\da-f]{2})*$/i.test(token) ? Buffer.from(token, 'hex') : undefined),
    },
  }),
  clientMutant('8.2', 'ignores what follows the hexadecimal digits', {
    parts: { ...hex, decode: (token) => Buffer.from(/^([\da-f]{2})*/.exec(token)?.[0] ?? '', 'hex') },
  }),
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
  clientMutant('8.2', 'uses a checksum instead of a tag', { parts: { box: checksum } }),
  clientMutant('8.2', 'compares the bytes of a tag in any order', { parts: { box: unordered } }),
  clientMutant('8.2', 'authenticates only the first 64 bytes', { parts: { box: headOnly } }),
  clientMutant('8.2', 'seals every 32 bytes by themselves', {
    parts: {
      box: chunks,
      maxBytes: (length) => Math.floor((length * 3) / 4 / SEALED_CHUNK) * CHUNK - OVERHEAD,
    },
  }),
  ...Object.entries(remembered).map(([name, keyOf]) =>
    clientMutant('8.2', name, {
      change(store) {
        const opened = new Map<string, Opened>()
        return {
          async open(token) {
            const came = opened.get(keyOf(token)) ?? (await store.open(token))
            if (came) opened.set(keyOf(token), came)
            return came
          },
        }
      },
    }),
  ),
  clientMutant('8.2', 'does not authenticate the hint of the secret', {
    change: hinted((hint, known, sealed) => (known.includes(hint) ? sealed : undefined)),
  }),
]
