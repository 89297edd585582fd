import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { ask } from '../../scripts/servers/server.js'
import { Document } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { Visitor } from './support/visitor.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and starting processes on a busy machine. */
const PATIENCE = 60_000

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A module for Node's `--import`: the clock is as many milliseconds ahead as the file says that `AHEAD` names. */
const CLOCK = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs'
  const { now } = Date
  Date.now = () => now() + Number(readFileSync(process.env.AHEAD, 'utf8'))
`)}`

const page = new Document('docs/guide/recipes.md')
const recipes = Object.keys(page.files).filter((name) => name !== 'app.ts')

const at = new Installation()
let redis: Redis
/** Each recipe, as the only one that is added to the page's program. It has a database of its own. */
const programs = new Map<string, PageProgram>()

const databaseOf = (recipe: string): number => recipes.indexOf(`${recipe}.ts`)
const clockOf = (recipe: string): string => at.at(`${recipe}.ahead`)

beforeAll(async () => {
  expect(await compile(workspace(at), page.files)).toBe('')
  redis = await startRedis()
  await Promise.all(
    recipes.map(async (file) => {
      const recipe = file.replace('.ts', '')
      passTime(recipe, 0)
      const env = {
        SESSION_SECRET: 'a secret of the tests, of 32 bytes or more',
        REDIS_URL: `${redis.url}/${databaseOf(recipe)}`,
        NODE_OPTIONS: `--import=${CLOCK}`,
        AHEAD: clockOf(recipe),
      }
      programs.set(recipe, await PageProgram.start(at, `out/${recipe}.js`, env))
    }),
  )
}, PATIENCE)

afterAll(async () => {
  await Promise.all([...programs.values()].map((program) => program.stop()))
  await redis?.stop()
  at.remove()
})

/** From now on, the program's clock is so many milliseconds ahead. */
function passTime(recipe: string, ms: number): void {
  writeFileSync(clockOf(recipe), String(ms))
}

function originOf(recipe: string): string {
  const program = programs.get(recipe)
  if (program === undefined) throw new Error(`${recipe} was not started`)
  return program.origin
}

const stranger = (recipe: string, cookie?: string): Visitor => new Visitor(originOf(recipe), cookie)

async function loggedIn(recipe: string, name: string, password: string): Promise<Visitor> {
  const visitor = stranger(recipe)
  expect(await visitor.logIn(name, password)).toMatchObject({ status: 303, location: '/' })
  return visitor
}

const ada = (recipe: string): Promise<Visitor> => loggedIn(recipe, 'ada', 'lovelace')
const grace = (recipe: string): Promise<Visitor> => loggedIn(recipe, 'grace', 'hopper')

/** Who the program greets. */
async function nameOf(visitor: Visitor): Promise<string | undefined> {
  return /^Hello, (\w+)\./.exec((await visitor.get('/')).text)?.[1]
}

const namesOf = (...visitors: readonly Visitor[]): Promise<readonly unknown[]> => Promise.all(visitors.map(nameOf))

/** A login that the program has begun, and whose form has not arrived. */
async function slowLogin(recipe: string, name: string): Promise<(password: string) => Promise<number | undefined>> {
  const headers = { expect: '100-continue' }
  const sent = request(`${originOf(recipe)}/login`, { method: 'POST', agent: false, headers })
  const answered = once(sent, 'response')
  // Node's server sends this when it calls the handler.
  await once(sent, 'continue')
  return async (password) => {
    sent.end(String(new URLSearchParams({ name, password })))
    const [response] = await answered
    return response.resume().statusCode
  }
}

test('the page has eight recipes', () => expect(recipes).toHaveLength(8))

describe('everywhere.ts', () => {
  const RECIPE = 'everywhere'

  test('ends all sessions of the user, and nobody else’s', async () => {
    const [one, two, other] = [await ada(RECIPE), await ada(RECIPE), await grace(RECIPE)]
    const stolen = stranger(RECIPE, two.cookie)
    expect((await one.post('/logout-everywhere')).status).toBe(303)
    expect(one.cookie).toBe('')
    expect(await namesOf(one, two, stolen, other)).toEqual(['stranger', 'stranger', 'stranger', 'grace'])
  })

  test('is nothing for a visitor who is not logged in', async () => {
    expect((await stranger(RECIPE).post('/logout-everywhere')).status).toBe(303)
  })

  test('after a new password keeps the device that asks, under a new token', async () => {
    const [one, two] = [await ada(RECIPE), await ada(RECIPE)]
    const before = one.cookie
    expect((await one.post('/password', { old: 'wrong', new: 'countess' })).status).toBe(403)
    expect(await namesOf(one, two)).toEqual(['ada', 'ada'])
    const finish = await slowLogin(RECIPE, 'ada')
    expect((await one.post('/password', { old: 'lovelace', new: 'countess' })).status).toBe(303)
    expect(one.cookie).not.toBe(before)
    expect(await namesOf(one, two)).toEqual(['ada', 'stranger'])
    expect(await finish('lovelace')).toBe(401)
  })

  test('logs nobody in whose password was checked before', async () => {
    const one = await grace(RECIPE)
    const finish = await slowLogin(RECIPE, 'grace')
    await one.post('/logout-everywhere')
    expect(await finish('hopper')).toBe(409)
    expect(await nameOf(await grace(RECIPE))).toBe('grace')
  })
})

describe('devices.ts', () => {
  const RECIPE = 'devices'

  async function devicesOf(visitor: Visitor): Promise<readonly { id: string; device: string; isThisOne: boolean }[]> {
    return JSON.parse((await visitor.get('/devices')).text)
  }

  test('lists the sessions of the user, and marks this one', async () => {
    const [one] = [await ada(RECIPE), await ada(RECIPE), await grace(RECIPE)]
    const devices = await devicesOf(one)
    expect(devices.map(({ device }) => device)).toEqual(['node', 'node'])
    expect(devices.filter(({ isThisOne }) => isThisOne)).toHaveLength(1)
  })

  test('ends the device that was chosen', async () => {
    const [one, two] = [await grace(RECIPE), await grace(RECIPE)]
    const chosen = (await devicesOf(two)).find(({ isThisOne }) => isThisOne)
    expect(await one.post('/devices/end', { id: chosen?.id ?? '' })).toMatchObject({ status: 303 })
    expect(await namesOf(one, two)).toEqual(['grace', 'stranger'])
  })

  test('ends this device', async () => {
    const one = await grace(RECIPE)
    const chosen = (await devicesOf(one)).find(({ isThisOne }) => isThisOne)
    await one.post('/devices/end', { id: chosen?.id ?? '' })
    expect([one.cookie, await nameOf(one)]).toEqual(['', 'stranger'])
  })

  test('ends no device for a user who has entered the password long ago', async () => {
    const [one, two] = [await grace(RECIPE), await grace(RECIPE)]
    const chosen = (await devicesOf(two)).find(({ isThisOne }) => isThisOne)
    passTime(RECIPE, 11 * MINUTE)
    expect((await one.post('/devices/end', { id: chosen?.id ?? '' })).status).toBe(403)
    expect(await namesOf(one, two)).toEqual(['grace', 'grace'])
  })

  test('ends no device of another user', async () => {
    const [one, other] = [await ada(RECIPE), await grace(RECIPE)]
    const [chosen] = await devicesOf(one)
    await other.post('/devices/end', { id: chosen?.id ?? '' })
    expect(await namesOf(one, other)).toEqual(['ada', 'grace'])
  })

  test('shows nothing to a visitor who is not logged in', async () => {
    expect((await stranger(RECIPE).get('/devices')).status).toBe(401)
    expect((await stranger(RECIPE).post('/devices/end', { id: 'x' })).status).toBe(401)
  })
})

describe('online.ts', () => {
  const RECIPE = 'online'

  test('names who was active in the last minutes, and nobody who was not', async () => {
    const [one, other] = [await ada(RECIPE), await grace(RECIPE)]
    expect((await one.get('/online')).text).toBe('ada, grace')
    passTime(RECIPE, 5 * MINUTE)
    expect((await one.get('/online')).text).toBe('')
    await other.get('/')
    expect((await one.get('/online')).text).toBe('ada, grace')
    await other.post('/logout')
    expect((await one.get('/online')).text).toBe('ada')
  })

  test('tells nothing to a visitor who is not logged in', async () => {
    expect((await stranger(RECIPE).get('/online')).status).toBe(401)
  })
})

describe('roles.ts', () => {
  const RECIPE = 'roles'

  test('a role that changes ends the sessions that have the old one, and the next login gets the new one', async () => {
    const [editor, one, two] = [await ada(RECIPE), await grace(RECIPE), await grace(RECIPE)]
    expect((await one.get('/drafts')).status).toBe(403)
    await editor.post('/role', { name: 'grace', role: 'editor' })
    expect(await namesOf(editor, one, two)).toEqual(['ada', 'stranger', 'stranger'])
    const again = await grace(RECIPE)
    expect((await again.get('/drafts')).text).toBe('The drafts.')
    await editor.post('/role', { name: 'grace', role: 'reader' })
    expect((await again.get('/drafts')).status).toBe(403)
  })

  test('a login that began before the change is refused', async () => {
    const editor = await ada(RECIPE)
    const finish = await slowLogin(RECIPE, 'grace')
    await editor.post('/role', { name: 'grace', role: 'reader' })
    expect(await finish('hopper')).toBe(409)
  })

  test('only an editor may change it', async () => {
    const reader = await grace(RECIPE)
    expect((await reader.post('/role', { name: 'grace', role: 'editor' })).status).toBe(403)
    expect((await (await ada(RECIPE)).post('/role', { name: 'nobody', role: 'editor' })).status).toBe(404)
  })
})

describe('remember.ts', () => {
  const RECIPE = 'remember'

  async function cookieOf(remember: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ name: 'ada', password: 'lovelace', ...remember })
    const response = await fetch(`${originOf(RECIPE)}/login`, { method: 'POST', body, redirect: 'manual' })
    return response.headers.getSetCookie()[0] ?? ''
  }

  test('a session lives by its box: for days, or until the browser is closed', async () => {
    const [ticked, plain] = [await cookieOf({ remember: 'on' }), await cookieOf({})]
    expect(ticked).toContain(`Max-Age=${(30 * DAY) / 1000};`)
    expect(plain).not.toContain('Max-Age')
    const [one, two] = [ticked, plain].map((cookie) => stranger(RECIPE, cookie.split(';')[0]))
    if (one === undefined || two === undefined) throw new Error('there are two')
    expect(await namesOf(one, two)).toEqual(['ada', 'ada'])
    passTime(RECIPE, 29 * DAY)
    expect(await namesOf(one, two)).toEqual(['ada', 'stranger'])
  })

  test('a later login without the box is not remembered', async () => {
    const one = stranger(RECIPE, (await cookieOf({ remember: 'on' })).split(';')[0])
    await one.logIn('ada', 'lovelace')
    passTime(RECIPE, 31 * DAY)
    expect(await nameOf(one)).toBe('stranger')
  })

  test('a wrong password logs nobody in', async () => {
    expect(await stranger(RECIPE).post('/login', { name: 'ada', remember: 'on' })).toMatchObject({ status: 401 })
  })
})

describe('confirm.ts', () => {
  const RECIPE = 'confirm'

  test('asks for the password once the login is older than ten minutes', async () => {
    const one = await ada(RECIPE)
    const change = async () => (await one.post('/email', { email: 'new@example.com' })).status
    expect(await change()).toBe(303)
    passTime(RECIPE, 11 * MINUTE)
    await one.get('/')
    expect(await change()).toBe(403)
    expect((await one.post('/confirm', { password: 'wrong' })).status).toBe(403)
    expect(await change()).toBe(403)
    const before = one.cookie
    expect((await one.post('/confirm', { password: 'lovelace' })).status).toBe(303)
    expect(one.cookie).not.toBe(before)
    expect(await change()).toBe(303)
    expect((await stranger(RECIPE, before).post('/confirm', { password: 'lovelace' })).status).toBe(409)
  })

  test('lets nobody in who is not logged in', async () => {
    expect((await stranger(RECIPE).post('/confirm', { password: 'lovelace' })).status).toBe(403)
    expect((await stranger(RECIPE).post('/email', { email: 'x' })).status).toBe(401)
  })
})

describe('cart.ts', () => {
  const RECIPE = 'cart'

  const cartOf = async (visitor: Visitor): Promise<string> => (await visitor.get('/')).text.split(' cart: ')[1] ?? ''

  test('becomes the user’s, together with what the account has, and is not given to the next user', async () => {
    const one = stranger(RECIPE)
    await one.post('/cart', { item: 'emma' })
    const before = one.cookie
    await one.logIn('ada', 'lovelace')
    expect(one.cookie).not.toBe(before)
    await one.post('/cart', { item: 'persuasion' })
    expect(await cartOf(one)).toBe('emma, persuasion')

    const two = stranger(RECIPE)
    await two.post('/cart', { item: 'middlemarch' })
    await two.logIn('ada', 'lovelace')
    expect(await cartOf(two)).toBe('emma, persuasion, middlemarch')

    await two.logIn('grace', 'hopper')
    expect([await nameOf(two), await cartOf(two)]).toEqual(['grace', ''])
    await one.post('/logout')
    expect([await nameOf(one), await cartOf(one)]).toEqual(['stranger', ''])
  })
})

describe('erase.ts', () => {
  const RECIPE = 'erase'

  const tell = (command: string): Promise<string> => ask(redis.port, `SELECT ${databaseOf(RECIPE)}`, command)

  /** For how many milliseconds Redis keeps each entry that has data of a user. */
  async function lives(): Promise<readonly number[]> {
    const keys = [...(await tell('KEYS *')).matchAll(/\$\d+\r\n(.*)\r\n/g)].map(([, key = '']) => key)
    const texts = await Promise.all(keys.map((key) => tell(`GET ${key}`)))
    const named = keys.filter((_, index) => texts[index]?.includes('userId'))
    return Promise.all(named.map(async (key) => Number(/:(-?\d+)\r\n/.exec(await tell(`PTTL ${key}`))?.[1])))
  }

  test('leaves nothing in the store that lives for more than a minute, and opens nothing', async () => {
    const [one, two] = [await grace(RECIPE), await grace(RECIPE)]
    const old = stranger(RECIPE, two.cookie)
    await two.logIn('grace', 'hopper')
    expect((await lives()).toSorted((a, b) => b - a)[0]).toBeGreaterThan(50 * MINUTE)
    expect((await one.post('/erase')).text).toBe('Your account is erased.')
    expect(await namesOf(one, two, old)).toEqual(['stranger', 'stranger', 'stranger'])
    const left = await lives()
    expect(left).toHaveLength(1)
    expect(left[0]).toBeLessThanOrEqual(MINUTE)
    expect((await stranger(RECIPE).logIn('grace', 'hopper')).status).toBe(401)
  })

  test('asks for the password, and who it is', async () => {
    const one = await ada(RECIPE)
    passTime(RECIPE, 11 * MINUTE)
    expect((await one.post('/erase')).status).toBe(403)
    expect(await nameOf(one)).toBe('ada')
    expect((await stranger(RECIPE).post('/erase')).status).toBe(401)
  })
})
