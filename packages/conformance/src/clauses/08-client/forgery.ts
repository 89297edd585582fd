import { numbers } from '../../stage/text.js'

/** Alterations of a token. None of them opens. They may yield the token itself: `altered` leaves that out. */
export type Forgery = (token: string) => Generator<string>

/** What the forgeries make of a token, without the token itself. */
export function* altered(token: string, forgeries: readonly Forgery[]): Generator<string> {
  for (const forgery of forgeries) for (const one of forgery(token)) if (one !== token) yield one
}

const BITS = 16
const ASCII = numbers(128).map((code) => String.fromCharCode(code))

function flipped(token: string, at: number, bit: number): string {
  const code = token.charCodeAt(at) ^ (1 << bit)
  return token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1)
}

/** Flips each bit of each character. */
export function* bitFlips(token: string): Generator<string> {
  for (const at of numbers(token.length)) for (const bit of numbers(BITS)) yield flipped(token, at, bit)
}

/** Flips one bit of each character: for long tokens. */
export function* someBitFlips(token: string): Generator<string> {
  for (const at of numbers(token.length)) yield flipped(token, at, at % 3)
}

/** Flips the same bit in two characters: together they leave many a checksum as it is. */
export function* doubleBitFlips(token: string): Generator<string> {
  for (const distance of [1, 4, 16, 64])
    for (const at of numbers(Math.max(0, token.length - distance))) {
      const bit = at % 3
      yield flipped(flipped(token, at, bit), at + distance, bit)
    }
}

export function* cuts(token: string): Generator<string> {
  for (const at of numbers(token.length)) {
    yield token.slice(0, at) + token.slice(at + 1)
    yield token.slice(0, at + 1)
    yield token.slice(at)
  }
}

export function* additions(token: string): Generator<string> {
  for (const at of numbers(token.length + 1)) yield `${token.slice(0, at)}A${token.slice(at)}`
  for (const one of ASCII) for (const junk of [one, `${one}junk`, `${one}${token}`]) yield token + junk
  for (const one of ASCII) for (const junk of [one, `junk${one}`, `s${one}`]) yield junk + token
  yield token + token
  yield `${token}AAAA`
  yield `AAAA${token}`
}

/** Moves and repeats parts of a token. */
export function* moves(token: string): Generator<string> {
  const { length } = token
  for (const at of numbers(length)) {
    yield token.slice(at) + token.slice(0, at)
    for (const size of [1, 4]) {
      const [one, other] = [token.slice(at, at + size), token.slice(at + size, at + 2 * size)]
      yield token.slice(0, at) + other + one + token.slice(at + 2 * size)
      yield token.slice(0, at) + one + token.slice(at)
    }
  }
}

/** Characters that decoders skip, or take for padding or for the end. */
const SKIPPED = [...ASCII, '==', '\r\n', '\u0085', '\u00A0', '\u00AD', '\u200B', '\u2028', '\u2060', '\uFE0F', '\uFEFF']

export function* skippedCharacters(token: string): Generator<string> {
  for (const at of numbers(token.length + 1))
    for (const one of SKIPPED) if (!/[\w-]/.test(one)) yield token.slice(0, at) + one + token.slice(at)
}

const BRACKETS = ['""', "''", '``', '<>', '()', '[]', '{}', '  ', '\t\t', '\r\n']

/** Writes one character, or each of them, in another way. */
const ESCAPES: readonly ((one: string, code: number) => string)[] = [
  (_, code) => `%${code.toString(16)}`,
  (_, code) => `%${code.toString(16).toUpperCase()}`,
  (_, code) => `=${code.toString(16).toUpperCase()}`,
  (_, code) => `\\x${code.toString(16)}`,
  (_, code) => `\\u00${code.toString(16)}`,
  (_, code) => `&#${code};`,
  (one) => `\\${one}`,
  (one) => one.toUpperCase(),
  (one) => one.toLowerCase(),
  // Compatible characters: fullwidth and with a high byte that a decoder may drop.
  (_, code) => String.fromCharCode(code + 0xfee0),
  (_, code) => String.fromCharCode(code + 0x100),
]

/** Other spellings of the same characters or, if the token is in base64url or a similar encoding, the same bytes. */
export function* respellings(token: string): Generator<string> {
  for (const [before = '', after = ''] of BRACKETS) yield before + token + after
  for (const spell of ESCAPES) {
    const all = token.split('').map((one) => spell(one, one.charCodeAt(0)))
    yield all.join('')
    for (const [at, one] of all.entries()) yield token.slice(0, at) + one + token.slice(at + 1)
  }
  yield `${token}%3D`
  yield token.replaceAll('-', '+').replaceAll('_', '/')
  yield token.replaceAll(/(.{64})/g, '$1\n')
  // Some bits of the last character may be unused.
  for (const last of ASCII) yield token.slice(0, -1) + last
}

/** Replaces parts of one token by the same parts of another. They may yield either token. */
export function* splices(one: string, other: string): Generator<string> {
  for (const at of numbers(one.length)) {
    yield one.slice(0, at) + other.slice(at)
    for (const size of [1, 4, 8, 16]) yield one.slice(0, at) + other.slice(at, at + size) + one.slice(at + size)
  }
}
