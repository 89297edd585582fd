import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https'
import { connect as connectSocket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type CookieOptions, type NodeRequest, type NodeResponse, type Sessions, sessions } from '@sess/core'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'
import { Handling, listen, serve } from '../support/served.ts'

const emitWarning = vi.spyOn(process, 'emitWarning')

beforeEach(() => {
  vi.stubEnv('NODE_ENV', 'development')
  emitWarning.mockReset().mockReturnValue()
})
afterEach(() => {
  vi.unstubAllEnvs()
  emitWarning.mockReset()
})

function application(cookie: CookieOptions = {}): Sessions {
  return sessions(new CountedStore(), { secret: SECRET, cookie })
}

/** The cookie that a response sets, without its value: `sess` or `__Host-sess; Secure`. */
function kindOf(setCookie: string | undefined): string {
  const name = setCookie?.split('=')[0] ?? 'none'
  return setCookie?.includes('; Secure') === true ? `${name}; Secure` : name
}

/** A listener for any kind of server. */
function writer(sess: Sessions) {
  return (request: NodeRequest, response: NodeResponse): void => void write(sess, request, response)
}

async function write(sess: Sessions, request: NodeRequest, response: NodeResponse): Promise<void> {
  Object.assign(await sess.open(request, response), { user: 7 })
  response.end()
}

async function headersOf(request: ReturnType<typeof httpRequest>): Promise<IncomingHttpHeaders> {
  const answered = once(request, 'response')
  request.end()
  const [response] = await answered
  response.resume()
  return response.headers
}

/** The kind of cookie that is set over a real plain-http connection on this machine. */
async function visit(sess: Sessions, headers: OutgoingHttpHeaders): Promise<string> {
  const port = await serve(writer(sess))
  const { 'set-cookie': [line] = [] } = await headersOf(httpRequest({ port, host: '127.0.0.1', headers }))
  return kindOf(line)
}

const ELSEWHERE = [
  ['origin', 'https://localhost:3000'],
  ['origin', 'http://shop.example'],
  ['origin', 'http://localhost.shop.example'],
  ['origin', 'chrome-extension://abcdefghijklmnop'],
  ['referer', 'https://shop.example/cart'],
  ['referer', 'HTTPS://LOCALHOST/'],
  ['referer', 'http://shop.example:8080/'],
  ['referer', 'http://10.0.0.1/'],
] as const

const HERE = [
  ['origin', 'http://localhost:3000'],
  ['origin', 'http://localhost:5173'],
  ['origin', 'http://shop.localhost:3000'],
  ['origin', 'null'],
  ['origin', ''],
  ['referer', 'http://127.0.0.1:3000/login?next=https://shop.example/'],
  ['referer', 'http://[::1]/'],
  ['referer', 'about:blank'],
  ['referer', 'shop.example'],
] as const

describe('between a browser and a server on one machine, by plain http', () => {
  test.each([
    'localhost',
    'localhost:3000',
    'LocalHost:3000',
    '127.0.0.1',
    '127.0.0.1:3000',
    '127.1.2.3:3000',
    '[::1]',
    '[::1]:3000',
    'shop.localhost:3000',
    'a_1.shop.localhost',
  ])('the cookie goes without Secure and prefix: Host is %s', async (host) => {
    expect(await visit(application(), { host })).toBe('sess')
    expect(emitWarning).not.toHaveBeenCalled()
  })

  test.each([
    'example.com',
    'localhost.example.com',
    'localhost.example.com:3000',
    '127.0.0.1.example.com',
    'notlocalhost',
    'not-localhost:3000',
    '.localhost',
    'localhost.',
    'localhost:3000:3000',
    'localhost, example.com',
    'example.com/localhost',
    'user@localhost',
    '0.0.0.0:3000',
    '10.0.0.1',
    '128.0.0.1',
    '1127.0.0.1',
    '[::2]:3000',
    '::1',
    '[::ffff:7f00:1]',
  ])('it does not where Host is another: %j', async (host) => {
    expect(await visit(application(), { host })).toBe('__Host-sess; Secure')
  })

  test.each([
    'forwarded',
    'x-forwarded-for',
    'x-forwarded-proto',
    'x-forwarded-host',
    'x-real-ip',
    'via',
    'X-Forwarded-For',
  ])('it does not behind a proxy, which %s reveals', async (header) => {
    expect(await visit(application(), { host: 'localhost', [header]: '' })).toBe('__Host-sess; Secure')
    expect(emitWarning).not.toHaveBeenCalled()
  })

  const SAID_TO_BE_LOCAL = {
    host: 'localhost:3000',
    'x-forwarded-host': 'localhost:3000',
    'x-forwarded-proto': 'http',
    'x-forwarded-for': '::ffff:127.0.0.1',
  }

  test('it does where forwarding headers, such as those that Next adds, say that the browser is on this machine', async () => {
    expect(await visit(application(), SAID_TO_BE_LOCAL)).toBe('sess')
  })

  test.each([
    ['x-forwarded-for', '192.0.2.1'],
    ['x-forwarded-for', '192.0.2.1, 127.0.0.1'],
    ['x-forwarded-for', ''],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-proto', 'http, https'],
    ['x-forwarded-host', 'shop.example'],
    ['host', 'localhost:3001'],
    ['via', '1.1 proxy'],
    ['forwarded', 'for=127.0.0.1'],
    ['x-real-ip', '127.0.0.1'],
  ])('it does not where one of those headers says more: %s is %j', async (header, value) => {
    expect(await visit(application(), { ...SAID_TO_BE_LOCAL, [header]: value })).toBe('__Host-sess; Secure')
  })

  test('it does not over HTTP/1.0, which proxies speak and browsers do not', async () => {
    const sess = application()
    const port = await serve(writer(sess))
    for (const [version, kind] of [
      ['1.0', '__Host-sess; Secure'],
      ['1.1', 'sess'],
    ]) {
      const socket = connectSocket(port, '127.0.0.1').setEncoding('utf8')
      socket.end(`GET / HTTP/${version}\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
      const answer = (await socket.toArray()).join('')
      expect(kindOf(/^set-cookie: (.*)$/im.exec(answer)?.[1])).toBe(kind)
    }
  })

  test.each(ELSEWHERE)('it does not for a page of elsewhere: %s is %s', async (header, value) => {
    expect(await visit(application(), { host: 'localhost:3000', [header]: value })).toBe('__Host-sess; Secure')
  })

  test.each(HERE)(
    'the cookie goes without Secure for a page of this machine, or of none: %s is %j',
    async (header, value) => {
      expect(await visit(application(), { host: 'localhost:3000', [header]: value })).toBe('sess')
    },
  )

  test('its name stays although middleware changes the headers after the session was opened', async () => {
    const sess = application()
    const port = await serve((req, res) => {
      void (async () => {
        const session = await sess.open(req, res)
        Object.assign(req.headers, { host: 'shop.example', 'x-forwarded-for': '10.0.0.1' })
        Object.assign(session, { user: 7 })
        res.end()
      })()
    })
    const { 'set-cookie': [line] = [] } = await headersOf(httpRequest({ port, host: '127.0.0.1' }))
    expect(kindOf(line)).toBe('sess')
  })

  test('it does not in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(await visit(application(), { host: 'localhost' })).toBe('__Host-sess; Secure')
  })

  test.each<[CookieOptions]>([[{ secure: true }], [{ sameSite: 'none' }], [{ sameSite: 'none', partitioned: true }]])(
    'it does not with the option %j',
    async (options) => {
      expect(await visit(application(options), { host: 'localhost' })).toBe('__Host-sess; Secure')
    },
  )

  test('it does not where TLS comes in', async () => {
    const psk = { ciphers: 'PSK', maxVersion: 'TLSv1.2', checkServerIdentity: () => undefined } as const
    const key = { psk: Buffer.alloc(32, 1), identity: 'test' }
    const server = createHttpsServer({ ...psk, pskCallback: () => key.psk }, writer(application()))
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    const port = await listen(server)
    const options = { ...psk, pskCallback: () => key, port, host: '127.0.0.1', headers: { host: 'localhost' } }
    const { 'set-cookie': [line] = [] } = await headersOf(httpsRequest(options))
    expect(kindOf(line)).toBe('__Host-sess; Secure')
    expect(emitWarning).not.toHaveBeenCalled()
  })

  test.each<[authority: string, kind: string]>([
    ['localhost:3000', 'sess'],
    ['example.com', '__Host-sess; Secure'],
  ])('it goes by :authority over HTTP/2: %s', async (authority, kind) => {
    const server = createHttp2Server(writer(application()))
    onTestFinished(() => void server.close())
    const client = connect(`http://127.0.0.1:${await listen(server)}`)
    onTestFinished(() => client.destroy())
    const stream = client.request({ ':authority': authority })
    const [{ 'set-cookie': [line] = [] }] = await once(stream, 'response')
    expect(kindOf(line)).toBe(kind)
  })
})

describe('the peer', () => {
  /** Which of two cookies is read shows how the request was judged. */
  async function judge(remoteAddress: string | undefined, encrypted = false): Promise<unknown> {
    const sess = application()
    const [plain, secure] = [new Browser(sess, { https: false }), new Browser(sess)]
    await plain.visit((session) => Object.assign(session, { judged: 'local' }))
    await secure.visit((session) => Object.assign(session, { judged: 'remote' }))
    const headers = { host: 'localhost', cookie: `${plain.cookie}; ${secure.cookie}` }
    const held = await sess.read({
      headers,
      socket: { encrypted, ...(remoteAddress !== undefined && { remoteAddress }) },
    })
    return held?.['judged']
  }

  test.each(['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1'])('is this machine: %s', async (address) => {
    expect(await judge(address)).toBe('local')
  })

  test.each([
    undefined,
    '',
    '10.0.0.1',
    '192.0.2.127',
    '128.0.0.1',
    '1.127.0.0.1',
    '127.0.0.1.2',
    '::2',
    '::ffff:10.0.0.1',
    'fe80::1',
    'localhost',
  ])('is not this machine: %s', async (address) => {
    expect(await judge(address)).toBe('remote')
  })

  test('does not matter where TLS came in', async () => {
    expect(await judge('127.0.0.1', true)).toBe('remote')
  })

  test('may be missing, as in an imitation of a request', async () => {
    expect(await application().read({ headers: { host: 'localhost', cookie: 'sess=x' } })).toBeNull()
    expect(await application().read({ headers: { host: ['localhost'] }, socket: null })).toBeNull()
  })
})

describe('a fetch Request', () => {
  async function fetched(url: string, headers: Record<string, string> = {}): Promise<string> {
    const sess = application()
    const handle = sess.fetch(async (request) => {
      Object.assign(await sess.open(request), { user: 7 })
      return new Response()
    })
    return kindOf((await handle(new Request(url, { headers }))).headers.getSetCookie()[0])
  }

  test.each([
    'http://localhost/',
    'http://localhost:3000/',
    'http://127.0.0.1/',
    'http://[::1]:3000/',
    'http://a.localhost/',
  ])('by plain http on this machine: %s', async (url) => {
    expect(await fetched(url)).toBe('sess')
  })

  test.each(['https://localhost/', 'http://example.com/', 'http://localhost.example.com/', 'http://10.0.0.1/'])(
    'from elsewhere, or by https: %s',
    async (url) => {
      expect(await fetched(url)).toBe('__Host-sess; Secure')
    },
  )

  test.each(['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'via'])(
    'behind a proxy, which %s reveals',
    async (header) => {
      expect(await fetched('http://localhost/', { [header]: 'x' })).toBe('__Host-sess; Secure')
    },
  )

  test.each(ELSEWHERE)('for a page of elsewhere: %s is %s', async (header, value) => {
    expect(await fetched('http://localhost:3000/', { [header]: value })).toBe('__Host-sess; Secure')
  })

  test.each(HERE)('for a page of this machine, or of none: %s is %j', async (header, value) => {
    expect(await fetched('http://localhost:3000/', { [header]: value })).toBe('sess')
  })

  test('in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(await fetched('http://localhost/')).toBe('__Host-sess; Secure')
  })
})

describe('an exchange', () => {
  test.each<[{ https?: boolean } | undefined, string]>([
    [undefined, '__Host-sess; Secure'],
    [{}, '__Host-sess; Secure'],
    [{ https: true }, '__Host-sess; Secure'],
    [{ https: false }, 'sess'],
  ])('says itself how the request came: %j', async (on, kind) => {
    const browser = new Browser(application(), on)
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    expect(kindOf(browser.setCookie)).toBe(kind)
  })

  test('is not believed in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const browser = new Browser(application(), { https: false })
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    expect(kindOf(browser.setCookie)).toBe('__Host-sess; Secure')
  })
})

describe('a cookie is read', () => {
  test.each<[string, boolean, string]>([
    ['without the prefix that it is due, by https', true, 'sess'],
    ['with another prefix than it is due, by https', true, '__Secure-sess'],
    ['with a prefix, on this machine', false, '__Host-sess'],
  ])('by no other name than it is set with: %s', async (_, https, name) => {
    const browser = new Browser(application(), { https })
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    const { token } = browser
    browser.jar.clear()
    browser.jar.set(name, token)
    expect(await browser.see()).toEqual({})
  })
})

describe('a plain cookie, which a sibling host can plant', () => {
  /** The session that a request with these headers sees if the browser has a plain cookie. */
  async function seen(headers: OutgoingHttpHeaders): Promise<unknown> {
    const sess = application()
    const planted = new Browser(sess, { https: false })
    await planted.visit((session) => Object.assign(session, { user: 7 }))
    const handling = new Handling(async (asked, response) => response.end(JSON.stringify(await sess.read(asked))))
    const port = await serve(handling.listener)
    const request = httpRequest({ port, host: '127.0.0.1', headers: { ...headers, cookie: planted.cookie } })
    const answered = once(request, 'response')
    request.end()
    const [response] = await answered
    return JSON.parse((await response.setEncoding('utf8').toArray()).join(''))
  }

  test('is read on this machine', async () => {
    expect(await seen({ host: 'localhost:3000' })).toEqual({ user: 7 })
  })

  const REMOTE: readonly (readonly [string, string])[] = [
    ['host', 'shop.example'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-proto', 'http'],
    ...ELSEWHERE,
  ]

  test.each(REMOTE)('is not read where a request came from elsewhere: %s is %s', async (header, value) => {
    expect(await seen({ host: 'localhost:3000', [header]: value })).toBeNull()
  })
})

const PROGRAM = fileURLToPath(new URL('../fixtures/warned.js', import.meta.url))

interface Options {
  readonly slices?: number
  readonly writes?: boolean
  readonly cookie?: CookieOptions
  readonly env?: Readonly<Record<string, string>>
}

/** The warnings of a process whose slices each get these requests. */
async function warnings(
  requests: readonly OutgoingHttpHeaders[],
  { env, ...options }: Options = {},
): Promise<readonly { code: string; message: string }[]> {
  const args = [PROGRAM, JSON.stringify(options), ...requests.map((headers) => JSON.stringify(headers))]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
  return JSON.parse(stdout)
}

describe('SESS_PLAIN_HTTP', () => {
  test('is printed once in a process, however many slices set cookies', async () => {
    const [warning, ...others] = await warnings([{ host: 'shop.example' }, { host: 'shop.example' }], { slices: 3 })
    expect(warning?.code).toBe('SESS_PLAIN_HTTP')
    expect(warning?.message).toContain('cookie: { secure: false }')
    expect(others).toEqual([])
  })

  test.each<[why: string, headers: OutgoingHttpHeaders]>([
    ['a proxy says http', { 'x-forwarded-proto': 'http' }],
    ['a proxy says http, in capitals', { 'x-forwarded-proto': 'HTTP' }],
    ['a proxy says ws', { 'x-forwarded-proto': 'ws' }],
    ['a proxy of two says http to the browser', { 'x-forwarded-proto': 'http, https' }],
    ['a proxy says http and for whom', { 'x-forwarded-proto': 'http', 'x-forwarded-for': '192.0.2.1' }],
    ['a proxy on this machine says http', { host: 'localhost', 'x-forwarded-proto': 'http' }],
    ['a proxy says http by RFC 7239', { forwarded: 'for=192.0.2.1;proto=http;host=shop.example' }],
    ['a proxy says http by RFC 7239, quoted', { forwarded: 'Proto="http", proto=https' }],
  ])('is given where %s', async (_, headers) => {
    expect(await warnings([{ host: 'shop.example', ...headers }])).toMatchObject([{ code: 'SESS_PLAIN_HTTP' }])
  })

  test('is given in production as well', async () => {
    const env = { NODE_ENV: 'production' }
    expect(await warnings([{ host: 'localhost' }], { env })).toMatchObject([{ code: 'SESS_PLAIN_HTTP' }])
  })

  test('is not given where a proxy says https, or does not say', async () => {
    const host = 'shop.example'
    const said = [
      { host, 'x-forwarded-proto': 'https' },
      { host, 'x-forwarded-proto': 'HTTPS' },
      { host, 'x-forwarded-proto': 'https, http' },
      { host, 'x-forwarded-proto': 'wss' },
      { host, 'x-forwarded-proto': '' },
      { host, forwarded: 'proto=https;for=192.0.2.1' },
      { host, forwarded: 'for=192.0.2.1' },
      { host, 'x-forwarded-for': '192.0.2.1' },
      { host, 'x-forwarded-host': 'shop.example' },
      { host, 'x-real-ip': '192.0.2.1' },
      { host, via: '1.1 proxy' },
    ]
    expect(await warnings(said)).toEqual([])
  })

  test('is not given where no cookie is sent', async () => {
    expect(await warnings([{ host: 'shop.example' }], { writes: false })).toEqual([])
  })

  test('is not given where the cookie does without Secure', async () => {
    expect(await warnings([{ host: 'shop.example' }], { cookie: { secure: false } })).toEqual([])
  })

  test('is not given on this machine', async () => {
    expect(await warnings([{ host: 'localhost' }])).toEqual([])
  })
})

describe('SESS_COOKIE_DOMAIN', () => {
  /** Whether the warning is printed for a cookie of that domain. */
  async function isWarned(domain: string | undefined, ...requests: readonly OutgoingHttpHeaders[]): Promise<boolean> {
    const cookie = { secure: false, ...(domain !== undefined && { domain }) }
    const printed = await warnings(requests, { cookie, slices: 2 })
    expect(printed.length).toBeLessThan(2)
    return printed.some(({ code }) => code === 'SESS_COOKIE_DOMAIN')
  }

  test.each([
    ['shop.example', 'localhost:3000'],
    ['shop.example', '127.0.0.1'],
    ['shop.example', 'example'],
    ['shop.example', 'other.example'],
    ['shop.example', 'myshop.example'],
    ['shop.example', 'shop.example.org'],
    ['www.shop.example', 'shop.example'],
  ])('is printed once where browsers refuse a cookie of %s: from %s', async (domain, host) => {
    expect(await isWarned(domain, { host }, { host })).toBe(true)
  })

  test('is not printed where browsers keep the cookie', async () => {
    const hosts = ['shop.example', 'www.shop.example:8080', 'SHOP.example', 'a.b.shop.example']
    expect(await isWarned('shop.example', ...hosts.map((host) => ({ host })))).toBe(false)
    expect(await isWarned('.Shop.Example', ...hosts.map((host) => ({ host })))).toBe(false)
    expect(await isWarned('localhost', { host: 'localhost:3000' })).toBe(false)
  })

  test('is not printed where a proxy may have replaced Host', async () => {
    expect(await isWarned('shop.example', { host: 'localhost', 'x-forwarded-for': '192.0.2.1' })).toBe(false)
  })

  test('is not printed without the option', async () => {
    expect(await isWarned(undefined, { host: 'localhost' })).toBe(false)
  })
})
