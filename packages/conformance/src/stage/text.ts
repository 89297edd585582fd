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
