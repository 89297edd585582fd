/** Texts that backends, encodings and protocols are known to alter, by name. All are well-formed Unicode. */
export const TEXTS: Readonly<Record<string, string>> = {
  'no text': '',
  'one character': 'a',
  'one byte of NUL': '\0',
  'NUL inside': 'a\0b',
  lines: '\r\n',
  'blanks at both ends': ' \t a \t ',
  quotes: `"'\`\\`,
  emoji: '👩‍👩‍👧‍👦 🏳️‍🌈',
  'composed and decomposed letters': '\u00E9 e\u0301',
  'line separators': '\u2028\u2029',
  'a byte order mark': '\uFEFFa\uFEFF',
  'the last code point': '\u{10FFFF}',
  noncharacters: '\uFFFE\uFFFF',
  'a replacement character': '\uFFFD',
  'a prototype': '{"__proto__":{"a":1}}',
  'words of JavaScript': 'null',
  'words of memcached': 'END\r\nVALUE a 0 1\r\nb\r\nSTORED\r\n',
  'words of Redis': '$-1\r\n+OK\r\n*1\r\n',
  'words of SQL': `'); DROP TABLE sessions; -- %_?`,
  'words of a cookie': 'a=b; Path=/; "c", %00 +',
  digits: '0123456789:',
}

/** Of exactly so many bytes in UTF-8, with characters of every length. */
export function textOf(bytes: number): string {
  const unit = 'aé€👍'
  const size = Buffer.byteLength(unit)
  return unit.repeat(Math.floor(bytes / size)) + 'z'.repeat(bytes % size)
}

/** 0 to count - 1. */
export function numbers(count: number): readonly number[] {
  return [...Array(count).keys()]
}
