/** Texts that look like a value of another type, which a store may normalise. */
const TYPED: Readonly<Record<string, string>> = {
  'a number with leading zeros': '007',
  'a number with blanks': ' 1 ',
  'a number with a zero fraction': '1.0',
  'a number with an exponent': '1e3',
  'a number with a sign': '+1',
  'a negative zero': '-0',
  'a hexadecimal number': '0x1F',
  'a number beyond 2^53': '9007199254740993',
  'a number that is not finite': '1e999',
  'the text true': 'true',
  'the text FALSE': 'FALSE',
  'the text undefined': 'undefined',
  'the text NaN': 'NaN',
  'a date': '2024-02-29',
  'a date with a time zone': '2024-02-29T23:59:59+02:00',
  'JSON with blanks and numbers': '{ "b": 1.0, "a": [ 1e2 ] }\n',
  'JSON with a field twice': '{"a":1,"a":2}',
  'JSON with escapes': String.raw`{"a":"\u0041\/"}`,
  'JSON in a JSON text': String.raw`"{\"a\":1}"`,
  'JSON with a field that begins with $': '{"$set":{"a.b":1}}',
}

/** Texts that a store may decode, expand, clean or cut. */
const ENCODED: Readonly<Record<string, string>> = {
  escapes: String.raw`\n\x41\u0041\\`,
  'percent escapes': 'a%41+b',
  'HTML entities': '<b>&lt;&#65;</b>',
  base64: 'aGVsbG8=',
  'hexadecimal digits': '68656C6C6F',
  placeholders: '%s ${a} {{a}} $1 :a',
  'a comment': 'a # b // c -- d',
  'a list of values': 'a,"b"",c";d|e',
  'line feeds at the end': 'a\n\n',
  'a carriage return': 'a\rb',
  tabs: '\ta\t\tb',
  'control characters': '\u0001\u0008\u001B\u007F\u0085\u009F',
  'characters of no width': 'a\u200B\u200D\u00AD\u2060b',
  'compatibility characters': 'ﬁ①Ａ\u00A0Å',
  'capital letters': 'ABC ẞ Σ İ',
  'letters of Latin-1': 'déjà vu ÿ',
  'private characters': '\uE000\u{F0000}',
}

/** Texts that backends, encodings and protocols are known to alter, by name. All are well-formed Unicode. */
export const TEXTS: Readonly<Record<string, string>> = {
  'empty text': '',
  'one character': 'a',
  'one NUL byte': '\0',
  'a NUL inside': 'a\0b',
  'a line break': '\r\n',
  'whitespace at both ends': ' \t a \t ',
  quotes: `"'\`\\`,
  emoji: '👩‍👩‍👧‍👦 🏳️‍🌈',
  'composed and decomposed letters': '\u00E9 e\u0301',
  'line separators': '\u2028\u2029',
  'a byte order mark': '\uFEFFa\uFEFF',
  'the last code point': '\u{10FFFF}',
  noncharacters: '\uFFFE\uFFFF',
  'a replacement character': '\uFFFD',
  'a __proto__ field': '{"__proto__":{"a":1}}',
  'the text null': 'null',
  'memcached protocol text': 'END\r\nVALUE a 0 1\r\nb\r\nSTORED\r\n',
  'Redis protocol text': '$-1\r\n+OK\r\n*1\r\n',
  'SQL syntax': `'); DROP TABLE sessions; -- %_?`,
  'cookie syntax': 'a=b; Path=/; "c", %00 +',
  digits: '0123456789:',
  ...TYPED,
  ...ENCODED,
}

/** A text of exactly that many UTF-8 bytes, with characters of every length. */
export function textOf(bytes: number): string {
  const unit = 'aé€👍'
  const size = Buffer.byteLength(unit)
  return unit.repeat(Math.floor(bytes / size)) + 'z'.repeat(bytes % size)
}

/** The numbers 0 to count - 1. */
export function numbers(count: number): readonly number[] {
  return [...Array(count).keys()]
}
