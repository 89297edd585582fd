import { expectSame, expectThat } from '../../breach.js'
import type { ClientClause } from '../../case.js'
import { type CookieOptions, SECRETS } from '../../stage/client.js'
import { numbers, TEXTS, textOf } from '../../stage/text.js'
import { entry, LATEST } from './entry.js'

/** RFC 6265bis, cookie-octet. */
const COOKIE_VALUE = /^[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]+$/

export const cookieValue: ClientClause = {
  id: '8.6',
  says: 'A token uses only characters that a cookie value can contain unquoted, and form-decoding does not change it.',
  cases: [
    {
      title: 'makes tokens of cookie characters that form-decoding does not change',
      run: async (stage) => {
        const store = stage.open()
        const texts = [...Object.values(TEXTS), ...numbers(100).map(textOf), textOf(store.maxBytes)]
        for (const data of texts) {
          const token = await store.seal(entry(data))
          const isFit = COOKIE_VALUE.test(token)
          expectThat(isFit, 'a token', 'only characters that a cookie value can contain unquoted', token)
          expectSame('a token after form-decoding', decodeURIComponent(token.replaceAll('+', ' ')), token)
        }
      },
    },
  ],
}

/** Cookies that leave different room for a token. The last two have the longest attributes that core accepts. */
const COOKIES: readonly CookieOptions[] = [
  ...['s', 'ss', 'sss', 'ssss', 's'.repeat(128)].map((name) => ({ name })),
  { name: 's', domain: 'accounts.example.com', path: '/account/settings' },
  {
    name: 's'.repeat(128),
    domain: `${'d'.repeat(61)}.`.repeat(4) + 'd'.repeat(5),
    path: `/${'p'.repeat(1023)}`,
    sameSite: 'none',
    partitioned: true,
    persistent: true,
  },
]

export const size: ClientClause = {
  id: '8.7',
  says: 'maxBytes is accurate: data of that size seals into one cookie that browsers store. Core refuses larger data with TOO_LARGE, so a cookie is never truncated or silently dropped.',
  cases: [
    {
      title: 'seals data of maxBytes into one cookie, whatever its name and attributes',
      run: async (stage) => {
        for (const cookie of COOKIES) {
          const store = stage.openFor(cookie)
          if (store === undefined) continue
          const { maxBytes } = store
          const { maxValueLength } = stage.context([SECRETS[0]], cookie).cookie
          for (const unit of ['a', '"', '\n', '\0', '\u00E9', '\u2028', '\u{1F44D}']) {
            const units = unit.repeat(Math.floor(maxBytes / Buffer.byteLength(unit)))
            const data = units.padEnd(units.length + maxBytes - Buffer.byteLength(units), 'z')
            const token = await store.seal(entry(data, LATEST))
            const done = `the length of a token of ${maxBytes} bytes`
            expectThat(token.length <= maxValueLength, done, `at most ${maxValueLength} characters`, token.length)
          }
        }
      },
    },
  ],
}
