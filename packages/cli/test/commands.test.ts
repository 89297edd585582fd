import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { someRedis } from '../../../scripts/servers/given.js'
import { startRedis } from '../../../scripts/servers/redis.js'
import { Application, expectNoSecrets, runHere, tokenOf } from './support.ts'

const STAMP = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

let redis: Awaited<ReturnType<typeof someRedis>>

beforeAll(async () => {
  redis = await someRedis()
})

afterAll(() => redis.stop())

expectNoSecrets()

const places = {
  sqlite: () => new Application({ name: 'sqlite' }),
  redis: () => {
    const prefix = `cli-${Math.random().toString(36).slice(2)}:`
    return new Application({ name: 'redis', options: { url: redis.url, prefix } })
  },
}

describe.each(Object.entries(places))('on %s', (_, application) => {
  it('check ends with 0 if the store works', async () => {
    const { code, err } = await application().run('check')
    expect({ code, err }).toEqual({ code: 0, err: '' })
  })

  it('list prints a row for each session of the user, and none of another user', async () => {
    const app = application()
    await app.login(42)
    await app.login(42)
    await app.login(7)
    const { code, out } = await app.run('list 42')
    const row = String.raw`[\w-]+ +${STAMP}  ${STAMP}  ${STAMP}\n`
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(String.raw`^id +started +last used +expires\n${row}${row}$`))
  })

  it('revoke ends all sessions of the user, and says how many', async () => {
    const app = application()
    await app.login(42)
    await app.login(42)
    expect(await app.run('revoke 42')).toEqual({ code: 0, out: 'Ended 2 sessions.\n', err: '' })
    expect(await app.listed(42)).toEqual([])
  })

  it('revoke --id ends that session alone', async () => {
    const app = application()
    await app.login(42)
    await app.login(42)
    const owner = (await app.open()).owner(42)
    const [first, second] = await owner.sessions()
    expect(await app.run(`revoke 42 --id ${first?.id}`)).toMatchObject({ code: 0, out: 'Ended 1 session.\n' })
    expect((await owner.sessions()).map(({ id }) => id)).toEqual([second?.id])
  })

  it('inspect prints the id, the times and the keys of the session of a cookie', async () => {
    const app = application()
    const cookie = await app.login(42)
    const [session] = await app.listed(42)
    const { code, out } = await app.run('inspect', { stdin: cookie })
    expect(code).toBe(0)
    const times = ['started', 'last used', 'expires'].map((name) => String.raw`${name} +${STAMP}\n`).join('')
    expect(out).toMatch(new RegExp(String.raw`^id +${session?.id}\n${times}keys +userId, device\n$`))
  })
})

describe('check', () => {
  it('says so when all is well', async () => {
    const { out } = await new Application({ name: 'sqlite' }).run('check')
    expect(out).toBe('All is well: a session was begun, read and ended, and the store is set up for sessions.\n')
  })

  it('prints what is wrong with the set-up of the store, and what to do', async () => {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const { code, out } = await new Application({ name: 'redis', options: { url: server.url } }).run('check')
    expect(code).toBe(0)
    expect(out).toMatch(/^warning REDIS_UNSAVED: .*Set appendonly yes\.$/m)
  })
})

describe('list', () => {
  it('shows no data unless --data is given', async () => {
    const app = new Application({ name: 'sqlite' })
    await app.login(42, { device: 'tablet' })
    expect((await app.run('list 42')).out).not.toContain('tablet')
    expect((await app.run('list 42 --json')).out).not.toContain('tablet')
    expect((await app.run('list 42 --data')).out).toContain('{"userId":42,"device":"tablet"}')
  })

  it('escapes what a visitor wrote to command the terminal or to be overlooked', async () => {
    const app = new Application({ name: 'sqlite' })
    await app.login(42, { device: '\u001B[2J\u009B2J\u202Ex\u{E0041}\n' })
    for (const args of ['list 42 --data', 'list 42 --data --json']) {
      const { out } = await app.run(args)
      expect(out.replaceAll('\n', '')).not.toMatch(/\p{C}/u)
      expect(out).toContain(String.raw`"\u001b[2J\u009b2J\u202ex\udb40\udc41\n"`)
    }
  })

  it('--json prints one document with the stamps in ISO 8601', async () => {
    const app = new Application({ name: 'sqlite' })
    await app.login('ada')
    const { code, out } = await app.run('list ada --json --data')
    const stamp = expect.stringMatching(ISO)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      ownerType: 'text',
      sessions: [
        {
          id: expect.any(String),
          startedAt: stamp,
          lastUsedAt: stamp,
          expiresAt: stamp,
          data: { userId: 'ada', device: 'phone' },
        },
      ],
    })
  })
})

describe('the id of a user', () => {
  it.each([
    ['42', 42],
    ['-1.5', -1.5],
    ['042', '042'],
    ['1e3', '1e3'],
    ['9007199254740993', '9007199254740993'],
    ['Infinity', 'Infinity'],
    ['NaN', 'NaN'],
    ['42 --text', '42'],
  ])('list %s asks for the sessions of %j', async (args, userId) => {
    const app = new Application({ name: 'sqlite' })
    await app.login(userId)
    expect((await app.run(`list --data ${args.startsWith('-') ? `-- ${args}` : args}`)).code).toBe(0)
  })

  it('is read as a number or a text, never as both: the answer says how, and who else has sessions', async () => {
    const app = new Application({ name: 'sqlite' })
    await app.login('42')
    await app.login('42')
    const hint = 'No sessions. The id was taken as a number; as a text it has 2: add --text.\n'
    expect(await app.run('revoke 42')).toEqual({ code: 1, out: hint, err: '' })
    expect(await app.run('list 42')).toEqual({ code: 1, out: hint, err: '' })
    expect(await app.listed('42')).toHaveLength(2)
  })

  it('that nobody has ends with 1', async () => {
    const app = new Application({ name: 'sqlite' })
    expect(await app.run('list ada')).toEqual({ code: 1, out: 'No sessions. The id was taken as a text.\n', err: '' })
    expect(await app.run('list 1')).toEqual({ code: 1, out: 'No sessions. The id was taken as a number.\n', err: '' })
    expect(JSON.parse((await app.run('list ada --json')).out)).toEqual({ ownerType: 'text', sessions: [] })
  })
})

describe('revoke', () => {
  it('--json prints the number of sessions that it ended', async () => {
    const app = new Application({ name: 'sqlite' })
    await app.login(42)
    const { code, out } = await app.run('revoke 42 --json')
    expect([code, JSON.parse(out)]).toEqual([0, { ownerType: 'number', ended: 1 }])
  })

  it('ends with 1 and ends nothing if the id is no session of the user', async () => {
    const app = new Application({ name: 'sqlite' })
    await app.login(42)
    expect(await app.run('revoke 42 --id nobody')).toEqual({
      code: 1,
      out: 'This user has no live session with that id.\n',
      err: '',
    })
    expect(await app.listed(42)).toHaveLength(1)
  })
})

describe('inspect', () => {
  const app = () => new Application({ name: 'sqlite' })

  it.each([
    ['a Set-Cookie line', (cookie: string) => `set-cookie: ${cookie}\r\n`],
    [
      'the headers of a response',
      (cookie: string) => `HTTP/1.1 200 OK\r\nDate: today\r\nSet-Cookie: ${cookie}\r\n\r\n`,
    ],
    ['a Cookie header with other cookies', (cookie: string) => `Cookie: a=1; ${cookie.split(';')[0]}; b="2"`],
    ['NAME=VALUE', (cookie: string) => cookie.split(';')[0] ?? ''],
    ['NAME=VALUE without the prefix', (cookie: string) => `sess=${tokenOf(cookie)}`],
    ['the value alone', (cookie: string) => `${tokenOf(cookie)}\n`],
  ])('takes %s', async (_, form) => {
    const at = app()
    expect(await at.run('inspect', { stdin: form(await at.login(42)) })).toMatchObject({ code: 0 })
  })

  it('--data prints the values, and --json all of it as one document', async () => {
    const at = app()
    const cookie = await at.login(42)
    expect((await at.run('inspect', { stdin: cookie })).out).not.toContain('phone')
    expect((await at.run('inspect --data', { stdin: cookie })).out).toMatch(/\nuserId +42\ndevice +"phone"\n$/)
    expect(JSON.parse((await at.run('inspect --json', { stdin: cookie })).out)).toEqual({
      session: {
        id: expect.any(String),
        startedAt: expect.stringMatching(ISO),
        lastUsedAt: expect.stringMatching(ISO),
        expiresAt: expect.stringMatching(ISO),
        keys: ['userId', 'device'],
      },
    })
    expect(JSON.parse((await at.run('inspect --json --data', { stdin: cookie })).out)).toMatchObject({
      session: { data: { userId: 42, device: 'phone' } },
    })
  })

  it('neither extends nor changes the session, even when it is due to be extended', async () => {
    const at = new Application({ name: 'sqlite' }, { owner: 'userId', idleTimeout: 1000 * 60 * 60 })
    const hourAgo = Date.now() - 1000 * 60 * 50
    const cookie = await at.login(42, {}, hourAgo)
    const before = await at.listed(42)
    expect(before[0]?.lastUsedAt.getTime()).toBe(hourAgo)
    await at.run('inspect --data', { stdin: cookie })
    expect(await at.listed(42)).toEqual(before)
  })

  it('opens the session of a cookie that holds it', async () => {
    const at = new Application({ name: 'cookie' }, {})
    const cookie = await at.login('ada')
    expect((await at.run('inspect --data', { stdin: cookie })).out).toMatch(/\nuserId +"ada"\n/)
  })

  it('finds a cookie of another name', async () => {
    const at = new Application({ name: 'sqlite' }, { owner: 'userId', cookie: { name: 'shop' } })
    const cookie = await at.login(42)
    expect((await at.run('inspect', { stdin: cookie })).code).toBe(0)
    expect((await at.run('inspect', { stdin: tokenOf(cookie) })).code).toBe(0)
    expect((await at.run('inspect', { stdin: `sess=${tokenOf(cookie)}` })).code).toBe(1)
  })

  it('ends with 1 for a session that has ended', async () => {
    const at = app()
    const cookie = await at.login(42)
    await (await at.open()).owner(42).revoke()
    expect(await at.run('inspect', { stdin: cookie })).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^No session: /),
    })
    expect(JSON.parse((await at.run('inspect --json', { stdin: cookie })).out)).toEqual({ session: null })
  })

  it('takes over no session of another library whose cookie comes along', async () => {
    const at = app()
    const cookie = await at.login(42)
    await (await at.open()).owner(42).revoke()
    const former = `{ name: 'old', cookies: [{ name: 'old' }], keep: false, find: (valuesOf) => {
      if (valuesOf('old').length > 0) throw new Error('its cookie came')
    } }`
    at.write('sess.mjs', at.text('', '', `migrate: [${former}]`))
    const stdin = `${cookie.split(';')[0]}; old=s%3A${'x'.repeat(64)}`
    expect(await runHere(at.folder.path, ['inspect', '--config', 'sess.mjs'], stdin)).toMatchObject({
      code: 1,
      err: '',
    })
  })

  it('ends with 2 for nothing on standard input', async () => {
    const { code, err } = await app().run('inspect', { stdin: ' \n' })
    expect(code).toBe(2)
    expect(err).toMatch(/^There is no cookie on standard input\. /)
  })

  it.each([
    ['no cookie', 'hello\nworld\n'],
    ['a cookie of something else', 'Cookie: theme=dark'],
  ])('ends with 1 for %s', async (_, stdin) => {
    expect(await app().run('inspect', { stdin })).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^No session: /),
    })
  })

  it('ends with 2 for more than any header holds', async () => {
    expect(await app().run('inspect', { stdin: 'x'.repeat(70_000) })).toMatchObject({
      code: 2,
      err: 'Standard input has more than 65536 characters.\n',
    })
  })
})

describe('prune', () => {
  it('removes what has expired, and says how much', async () => {
    const app = new Application({ name: 'sqlite' }, { owner: 'userId', idleTimeout: '1m' })
    await app.login(1)
    await app.login(2, {}, Date.now() - 1000 * 60 * 60 * 24 * 900)
    const { code, out } = await app.run('prune --json')
    const { removed } = JSON.parse(out)
    expect([code, removed > 0]).toEqual([0, true])
    expect((await app.run('prune')).out).toBe('Removed 0 expired entries.\n')
    expect(await app.listed(1)).toHaveLength(1)
  })
})
