import cookie from '@sess/adapter-cookie'
import memory from '@sess/adapter-memory'
import { type CookieOptions, type CoreOptions, sessions } from '@sess/core'
import { createAdapterContext, isSessError, type SessError } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { CountedStore } from '../support/counted-store.ts'
import { thrownBy } from '../support/failure.ts'
import { SECRET } from '../support/secret.ts'
import { serve } from '../support/served.ts'

/** Calls sessions() without type checks, as JavaScript can. */
function start(...given: unknown[]): unknown {
  return Reflect.apply(sessions, undefined, given)
}

function startWith(options: Record<string, unknown>): unknown {
  return start('owner' in options ? new CountedStore() : cookie, { secret: SECRET, ...options })
}

/** One value of each JavaScript kind, and its name in a message. */
const KINDS: readonly (readonly [kind: string, value: unknown, shown: string])[] = [
  ['null', null, 'null'],
  ['true', true, 'true'],
  ['false', false, 'false'],
  ['zero', 0, '0'],
  ['minus one', -1, '-1'],
  ['one', 1, '1'],
  ['a fraction', 1.5, '1.5'],
  ['NaN', Number.NaN, 'NaN'],
  ['Infinity', Number.POSITIVE_INFINITY, 'Infinity'],
  ['a bigint', 1n, 'a bigint'],
  ['a symbol', Symbol('s'), 'a symbol'],
  ['an empty string', '', 'an empty string'],
  ['a string', '\u2620 hostile', 'a string of 9 characters'],
  ['an array', ['x'], 'an array'],
  ['an object', { x: 1 }, 'an object'],
  ['a function', () => 'x', 'a function'],
]

/** The kinds that each option takes; every other kind is an error. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  secret: [],
  idleTimeout: ['one'],
  absoluteTimeout: ['one'],
  remember: [],
  'remember.idleTimeout': ['one'],
  'remember.absoluteTimeout': ['one'],
  owner: ['a string'],
  maxPerOwner: ['one'],
  onConflict: [],
  from: ['a string'],
  accept: [],
  onError: ['a function'],
  clock: [],
  cookie: [],
  'cookie.name': [],
  'cookie.secure': ['true', 'false'],
  'cookie.sameSite': [],
  'cookie.domain': [],
  'cookie.path': [],
  'cookie.partitioned': ['true', 'false'],
  'cookie.persistent': ['true', 'false'],
  'cookie.prefix': ['false'],
}

const WRONG = Object.entries(TAKES).flatMap(([option, taken]) =>
  KINDS.filter(([kind]) => !taken.includes(kind)).map(([kind, value, shown]) => ({ option, kind, value, shown })),
)

function nest(option: string, value: unknown): Record<string, unknown> {
  if (option === 'maxPerOwner') return { owner: 'user', maxPerOwner: value }
  const [outer = '', inner] = option.split('.')
  return { [outer]: inner === undefined ? value : { [inner]: value } }
}

describe('an option of the wrong kind', () => {
  test.each(WRONG)('is INVALID_OPTION that says what is wrong: $option is $kind', ({ option, value, shown }) => {
    const { code, message } = thrownBy(() => startWith(nest(option, value)))
    expect(code).toBe('INVALID_OPTION')
    if (message.includes(' is not known; ')) expect(message).toContain(`${option}."x"`)
    else if (option === 'secret')
      expect(message).toMatch(/^Option secret (is|has) .+; expected (a string|at least 32 random bytes)\. /)
    else if (option === 'accept' && Array.isArray(value)) expect(message).toContain('accept[0] is a string')
    else if (option === 'clock' && typeof value === 'function') expect(message).toContain('clock() is a string')
    else expect(message).toMatch(new RegExp(`^Option (sessions\\.)?${option} is ${shown}; expected .+\\.$`))
  })

  test.each(Object.keys(TAKES))('never repeats a string that was given: %s', (option) => {
    const hostile = fc.string().map((text) => `\u2620${text}`)
    const anything = fc.anything({ values: [hostile, fc.integer(), fc.constantFrom(null, true, undefined)] })
    fc.assert(
      fc.property(fc.oneof(hostile, anything), (value) => {
        const error = errorOf(() => startWith(nest(option, value)))
        if (error === undefined) return
        expect(error.code).toBe('INVALID_OPTION')
        expect(error.message).toContain(option)
        expect(error.message).not.toContain('\u2620')
      }),
    )
  })

  test('fails on the line that called sessions()', () => {
    expect(thrownBy(() => sessions('memory', { secret: 'short' })).stack).toMatch(/core-options\.test\.ts:\d+/)
  })
})

function errorOf(call: () => unknown): SessError | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (isSessError(error)) return error
    throw error
  }
}

describe('the option secret', () => {
  const LONG = 'x'.repeat(32)
  test.each<[string, unknown, RegExp]>([
    ['missing', undefined, /^Option secret is missing/],
    ['no array of any', [], /^Option secret is missing/],
    ['an array of unset ones', [undefined, undefined], /^Option secret is missing/],
    ['empty', '', /^Option secret is an empty string/],
    ['short', LONG.slice(1), /^Option secret has 31 bytes/],
    ['one byte short in UTF-8', `${'é'.repeat(15)}x`, /^Option secret has 31 bytes/],
    ['short next to a good one', [LONG, 'short'], /^Option secret has 5 bytes/],
    ['empty next to a good one', [LONG, ''], /^Option secret is an empty string/],
    ['null next to a good one', [LONG, null], /^Option secret is null/],
    ['bytes', new Uint8Array(32), /^Option secret is an object/],
    ['in an array in an array', [[LONG]], /^Option secret is an array/],
  ])('is refused with the command that makes one: %s', (_, secret, message) => {
    const error = thrownBy(() => start(cookie, { secret }))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toMatch(message)
    expect(error.message).toContain('node -e "console.log(crypto.randomBytes(32)')
  })

  test.each<[string, CoreOptions['secret']]>([
    ['32 bytes', LONG],
    ['16 characters of two bytes each', 'é'.repeat(16)],
    ['8 emoji', '🔑'.repeat(8)],
    ['several', [LONG, `${LONG}2`]],
    ['an unset one before it', [undefined, LONG]],
    ['an unset one after it', [LONG, undefined]],
    ['NUL', '\0'.repeat(32)],
  ])('is taken: %s', (_, secret) => {
    expect(sessions(cookie, { secret })).toHaveProperty('open')
  })

  test('can be made with the command that its message prints', async () => {
    const { message } = thrownBy(() => start(cookie, {}))
    const script = /node -e "(.+)"$/.exec(message)?.[1] ?? ''
    const { execFileSync } = await import('node:child_process')
    const secret = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim()
    expect(sessions(cookie, { secret })).toHaveProperty('open')
  })
})

describe('an idle timeout above the absolute one', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['both given', { idleTimeout: '2h', absoluteTimeout: '1h' }, 'which is 3600000 ms:'],
    ['by a millisecond', { idleTimeout: 1001, absoluteTimeout: 1000 }, 'which is 1000 ms:'],
    ['above the default', { idleTimeout: '365d' }, 'which is 2592000000 ms by default:'],
  ])('is INVALID_OPTION that names both: %s', (_, options, says) => {
    const { code, message } = thrownBy(() => startWith(options))
    expect([code, message]).toEqual(['INVALID_OPTION', expect.stringContaining(says)])
    expect(message).toContain('Option idleTimeout')
    expect(message).toContain('absoluteTimeout')
  })

  test.each([{ idleTimeout: '1h', absoluteTimeout: '1h' }, { absoluteTimeout: '1h' }, { idleTimeout: '30d' }])(
    'is not meant by %j',
    (options) => {
      expect(startWith(options)).toHaveProperty('open')
    },
  )
})

describe('a duration', () => {
  test.each(['1ms', '90s', '15m', '24h', '30d', '1.5h', '0.2ms', 1, 8.64e15])('may be %s', (idleTimeout) => {
    expect(startWith({ idleTimeout, absoluteTimeout: 8.64e15 })).toHaveProperty('open')
  })

  test.each([
    '0s',
    '-1h',
    '1',
    '1 h',
    '1H',
    '1y',
    '1w',
    'h',
    '1e3s',
    '1h ',
    '1h\n',
    '٣h',
    `${'9'.repeat(31)}d`,
    8.64e15 + 1,
  ])('may not be %j', (idleTimeout) => {
    const { code, message } = thrownBy(() => startWith({ idleTimeout }))
    expect({ code, message }).toEqual({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/^Option sessions\.idleTimeout is .*; expected milliseconds or a text/),
    })
  })
})

describe('cookie attributes that no browser keeps together', () => {
  test.each<[string, CookieOptions]>([
    ['__Host- with a domain', { name: '__Host-id', domain: 'example.com' }],
    ['__Host- with a path', { name: '__Host-id', path: '/app' }],
    ['__host-, in any case, with a path', { name: '__hOST-id', path: '/app' }],
    ['__Host- without Secure', { name: '__Host-id', secure: false }],
    ['__Secure- without Secure', { name: '__Secure-id', secure: false }],
    ['SameSite=None without Secure', { sameSite: 'none', secure: false }],
    ['Partitioned without Secure', { partitioned: true, secure: false }],
    ['a prefix with no name behind it', { name: '__Host-' }],
    ['two prefixes', { name: '__Secure-__Host-id' }],
    ['__Http-, which needs Secure', { name: '__Http-id' }],
    ['__Http- without Secure', { name: '__HTTP-id', secure: false }],
    ['Partitioned with the default of SameSite', { partitioned: true }],
    ['Partitioned with SameSite=Strict', { partitioned: true, sameSite: 'strict' }],
    ['__Host- and no prefix', { name: '__Host-id', prefix: false }],
    ['__Secure- and no prefix', { name: '__Secure-id', prefix: false }],
  ])('are refused at start: %s', (_, options) => {
    const { code, message } = thrownBy(() => sessions(cookie, { secret: SECRET, cookie: options }))
    expect({ code, message }).toEqual({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(
        /no browser accepts|nothing after its prefix|has a prefix that|prefix: false cannot|partitioned needs cookie.sameSite: 'none'/,
      ),
    })
  })

  test.each<[string, unknown]>([
    ['name', 'a b'],
    ['name', 'a=b'],
    ['name', 'a;b'],
    ['name', 'é'],
    ['name', 'a\r\nSet-Cookie: x'],
    ['name', 'x'.repeat(129)],
    ['domain', 'example.com; Secure'],
    ['domain', '-example.com'],
    ['domain', 'example-.com'],
    ['domain', 'example..com'],
    ['domain', 'example.com.'],
    ['domain', `${'x'.repeat(64)}.com`],
    ['domain', `${'x.'.repeat(127)}x`],
    ['domain', 'http://example.com'],
    ['path', 'app'],
    ['path', '/app; Secure'],
    ['path', '/a<b'],
    ['path', '/a b'],
    ['path', '/app\r\n'],
    ['path', `/${'x'.repeat(1024)}`],
    ['path', '/shop/../app'],
    ['path', '/./app'],
    ['path', '/app/%2e%2e/shop'],
    ['path', '/app?page=1'],
    ['path', '/app#top'],
    ['path', '/app\\shop'],
    ['path', '/app"'],
  ])('are refused one by one: %s %j', (name, value) => {
    const { code, message } = thrownBy(() => startWith({ cookie: { [name]: value } }))
    expect({ code, message }).toEqual({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(new RegExp(`^Option cookie\\.${name} is a string of \\d+ characters; expected `)),
    })
  })

  test('leave room for a session, however long each is', async () => {
    const domain = `${`${'x'.repeat(63)}.`.repeat(3)}${'x'.repeat(61)}`
    const options = { name: 'x'.repeat(128), domain, path: `/${'x'.repeat(1023)}`, persistent: true }
    const exchange = sessions(cookie, { secret: SECRET, cookie: options }).exchange(null)
    const session = await exchange.open()
    session['key'] = 'x'.repeat(1500)
    const [[, line] = []] = await exchange.commit(200)
    expect(line?.length).toBeLessThan(4093)
  })
})

describe('an option that is not known', () => {
  test.each<[string, unknown[], RegExp]>([
    ["next to core's, on an adapter", [memory, { secret: SECRET, maxEntires: 1 }], /memory\."maxEntires" is not known/],
    ['on an adapter that has none', [cookie, { secret: SECRET, idletimeout: 1 }], /"idletimeout" is not known/],
    ['of the cookie', [cookie, { secret: SECRET, cookie: { samesite: 'lax' } }], /cookie\."samesite" is not known/],
    ['named __proto__', [cookie, JSON.parse(`{"secret":"${SECRET}","__proto__":{}}`)], /"__proto__" is not known/],
    ['with a store that was passed in', ['store', { secret: SECRET, url: 'x' }], /"url" is not one of core's/],
  ])('is an error, not a default: %s', (_, [first, options], message) => {
    const error = thrownBy(() => start(first === 'store' ? new CountedStore() : first, options))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toMatch(message)
  })
})

describe('from JavaScript', () => {
  test.each<[string, unknown[]]>([
    ['nothing', []],
    ['undefined', [undefined]],
    ['an unset name', [undefined, { secret: SECRET }]],
    ['an empty name', ['', { secret: SECRET }]],
    ['null', [null, { secret: SECRET }]],
    ['true', [true, { secret: SECRET }]],
    ['a number', [1, { secret: SECRET }]],
    ['a symbol', [Symbol('redis'), { secret: SECRET }]],
    ['an array', [[]]],
    ['no options', ['cookie']],
    ['options that are null', ['cookie', null]],
    ['a secret instead of options', ['cookie', SECRET]],
    ['a secret as the only argument', [SECRET]],
    ['an array of options', [cookie, [SECRET]]],
    ['a function of options', [cookie, () => ({ secret: SECRET })]],
  ])('sessions() is INVALID_OPTION and repeats no secret: %s', (_, given) => {
    const { code, message } = thrownBy(() => start(...given))
    expect(code).toBe('INVALID_OPTION')
    expect(message).not.toContain(SECRET)
  })

  test.each<[string, unknown]>([
    ['a number', 0],
    ['true', true],
    ['an empty array', []],
    ['an array', ['sess=x']],
    ['an object', {}],
    ['a symbol', Symbol('s')],
  ])('exchange() of what is no header is INVALID_REQUEST: %s', (_, header) => {
    const sess = sessions(cookie, { secret: SECRET })
    expect(thrownBy(() => Reflect.apply(sess.exchange, sess, [header])).code).toBe('INVALID_REQUEST')
  })
})

describe('the option from', () => {
  test.each<[string, unknown]>([
    ['a URL of another scheme', 'https://example.com/'],
    ['a URL object of another scheme', new URL('https://example.com/')],
    ['code', 'data:text/javascript,1'],
    ['a path with NUL', '/srv/\0app'],
    ['a file: URL with NUL', 'file:///srv/%00app'],
    ['a file: URL of another machine', 'file://server/app'],
    ['a file: URL object of another machine', new URL('file://server/app')],
    ['a file: URL with an encoded slash', 'file:///srv%2Fapp'],
  ])('is refused: %s', (_, from) => {
    const { code, message } = thrownBy(() => start('memory', { secret: SECRET, from }))
    expect({ code, message }).toEqual({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/^Option sessions\.from is .*; expected a path or a file: URL/),
    })
  })

  test.each(['/nowhere at all', 'file:///nowhere', '\u2620', '/a\nb'])(
    'of a place where nothing is, is no crash: %s',
    (from) => {
      expect(thrownBy(() => start('foo', { secret: SECRET, from })).code).toBe('ADAPTER_NOT_FOUND')
    },
  )
})

describe('the option clock', () => {
  test.each([
    () => undefined,
    () => new Date(),
    () => '2030-01-01',
    () => Number.NaN,
    () => -1,
    () => 8.64e15 + 1,
    () => 1n,
  ])('is refused at start if it does not return a time: %s', (clock) => {
    const { code, message } = thrownBy(() => startWith({ clock }))
    expect({ code, message }).toEqual({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/^Option sessions\.clock\(\) is .*; expected a function that returns epoch/),
    })
  })

  test('may return fractions of a millisecond', async () => {
    const sess = sessions(new CountedStore(), { secret: SECRET, clock: () => Date.UTC(2030, 0) + 0.25 })
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { key: 'value' })
    const [[, line] = []] = await exchange.commit(200)
    expect(await sess.exchange(line?.split(';')[0]).open()).toMatchObject({ key: 'value' })
  })
})

describe('the option accept', () => {
  test.each(['atomic', 'fresh'] as const)('lets in a store that lacks %s, which is refused without it', (lack) => {
    const store = Object.assign(new CountedStore(), { lacks: [lack] })
    const { code, message } = thrownBy(() => sessions(store, { secret: SECRET }))
    expect(code).toBe('INVALID_OPTION')
    expect(message).toContain(`accept: ['${lack}']`)
    expect(sessions(store, { secret: SECRET, accept: [lack] })).toHaveProperty('open')
  })

  test('lets in nothing else', () => {
    const store = Object.assign(new CountedStore(), { lacks: ['atomic'] as const })
    expect(thrownBy(() => sessions(store, { secret: SECRET, accept: ['fresh'] })).code).toBe('INVALID_OPTION')
  })
})

describe('the option onError', () => {
  test('receives the reason why a response was replaced', async () => {
    const onError = vi.fn<(error: unknown) => void>()
    const sess = sessions(cookie, { secret: SECRET, onError })
    const handle = sess.fetch(async (request) => {
      Object.assign(await sess.open(request), { key: 'x'.repeat(5000) })
      return new Response('done')
    })
    expect((await handle(new Request('https://example.com/'))).status).toBe(500)
    expect(onError.mock.calls).toEqual([[expect.objectContaining({ code: 'TOO_LARGE' })]])
  })

  const throwing = (): unknown => {
    throw new Error('of onError')
  }
  const rejecting = (): unknown => Promise.reject(new Error('of onError'))

  test.each([
    ['throws', throwing],
    ['rejects', rejecting],
  ])('ends neither the response nor the process if it %s, and a warning says so once', async (_name, onError) => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    onTestFinished(() => warn.mockRestore())
    const sess = sessions(cookie, { secret: SECRET, onError })
    const port = await serve((req, res) => {
      void sess.open(req, res).then((session) => {
        session['key'] = 'x'.repeat(5000)
        res.end('done')
      })
    })
    for (let count = 0; count < 2; count++) expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(500)
    const handle = sess.fetch(async (request) => {
      Object.assign(await sess.open(request), { key: 'x'.repeat(5000) })
      return new Response('done')
    })
    expect((await handle(new Request('https://example.com/'))).status).toBe(500)
    const warnings = warn.mock.calls.filter(([, options]) => Reflect.get(Object(options), 'code') === 'SESS_ON_ERROR')
    expect(warnings.map(([text]) => text)).toEqual([expect.stringContaining('Error: of onError')])
  })
})

describe('createAdapterContext', () => {
  test.each([
    ['secret', { secret: 'short' }],
    ['secret', { secret: [] }],
    ['cookie.name', { secret: SECRET, cookie: { name: 'a b' } }],
  ])('checks its options as sessions() does: %s', (option, options) => {
    const { code, message } = thrownBy(() => createAdapterContext(options))
    expect({ code, message }).toEqual({ code: 'INVALID_OPTION', message: expect.stringContaining(`Option ${option} `) })
  })
})

test.each([
  ['memory', 'idleTimout', 'idleTimeout'],
  ['cookie', 'secrets', 'secret'],
  ['memory', 'onconflict', 'onConflict'],
])(
  "an option that neither core nor the %s adapter knows, %s, is said to be nearly core's %s",
  (store, given, meant) => {
    expect(() => sessions(store, { secret: SECRET, [given]: 1 })).toThrow(
      `Did you mean ${meant}, an option of @sess/core?`,
    )
  },
)
