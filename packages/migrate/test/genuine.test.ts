import { inspect } from 'node:util'
import type { FormerSessions } from '@sess/core/adapter'
import { array, asyncProperty, assert as check, constantFrom, oneof, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { userOf, write } from './support/application.ts'
import type { Jar } from './support/jar.ts'
import { type Former, HOUR, OTHER, SECRET, WRITERS } from './support/writers.ts'

const VALUES = { user: 'ada', cart: [{ title: 'Middlemarch', price: 1.5 }], note: 'naïve ☕ 𝒜', seen: null }
/** JSON that an assignment of its keys would turn into a prototype. */
const POLLUTING: object = JSON.parse('{"user":"ada","profile":{"__proto__":{"isAdmin":true},"name":"Ada"}}')

/** Parts of cookies, genuine and not, for junk that gets past the first checks. */
const PARTS = ['s:', 's%3A', 'Fe26.2*1*', '*', '~2', ';', '.', '=', '%', '%00', '%ff', '\0', '__proto__', 'constructor']
const more = ['e30=', 'W10=', 'a'.repeat(64), '0'.repeat(64), 'A'.repeat(43), 'A'.repeat(32), '1893456000000', '\uD800']
const junk = array(oneof(string({ unit: 'binary' }), constantFrom(...PARTS, ...more)), { maxLength: 12 })
const junkCookies = array(
  junk.map((parts) => parts.join('')),
  { maxLength: 7 },
)

/** The texts that differ from this one in one bit of one character. */
function* flipped(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < 7; bit++) {
      const other = String.fromCodePoint((text.codePointAt(at) ?? 0) ^ (1 << bit))
      yield text.slice(0, at) + other + text.slice(at + 1)
    }
  }
}

/** The texts that lack one character of this one. */
function* shortened(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) yield text.slice(0, at) + text.slice(at + 1)
}

interface Written {
  readonly application: Former
  readonly jar: Jar
  readonly former: FormerSessions
}

describe.each(WRITERS)('a session of $library', ({ start, encode }) => {
  /** An application that has set the cookies in the jar, and what finds their session. */
  async function written(values: object = VALUES): Promise<Written> {
    const application = await start(SECRET)
    return { application, jar: await write(application, values), former: application.former([SECRET]) }
  }

  it('has the values that the library wrote', async () => {
    const { jar, former } = await written()
    const data = await (await former.find(jar.valuesOf))?.read(Date.now())
    expect(data?.values).toEqual(VALUES)
  })

  it('is found with a secret that is no longer the newest', async () => {
    const { application, jar } = await written()
    expect(await application.former([OTHER, SECRET]).find(jar.valuesOf)).toBeDefined()
  })

  it('is not found with another secret', async () => {
    const { application, jar } = await written()
    expect(await application.former([OTHER]).find(jar.valuesOf)).toBeUndefined()
  })

  it('is not found if any bit of a cookie was changed', async () => {
    const { jar, former } = await written({ user: 'ada' })
    const found: string[] = []
    for (const name of jar.names) {
      for (const forged of flipped(decodeURIComponent(jar.get(name))))
        if (await former.find(jar.with(name, encode(forged)).valuesOf)) found.push(forged)
    }
    expect(found).toEqual([])
  })

  it('is not found if any character of a cookie is missing', async () => {
    const { jar, former } = await written({ user: 'ada' })
    const found: string[] = []
    for (const name of jar.names) {
      for (const forged of shortened(decodeURIComponent(jar.get(name))))
        if (await former.find(jar.with(name, encode(forged)).valuesOf)) found.push(forged)
    }
    expect(found).toEqual([])
  })

  it('is not found in junk, which throws nothing', async () => {
    const { former } = await start(SECRET)
    const { find } = former([SECRET])
    await check(
      asyncProperty(junkCookies, async (values) => {
        expect(await find(() => values)).toBeUndefined()
      }),
    )
  })

  it('is found behind four other cookies of its name, and not behind five', async () => {
    const { jar, former } = await written()
    const behind = (count: number) => (name: string) => [
      ...Array.from({ length: count }, (_, index) => `junk${index}`),
      ...jar.valuesOf(name),
    ]
    expect(await former.find(behind(4))).toBeDefined()
    expect(await former.find(behind(5))).toBeUndefined()
  })

  it('has one id, which no other session has, and which does not depend on how the cookie is spelled', async () => {
    const { application, jar, former } = await written()
    const other = await former.find((await write(application, { user: 'grace' })).valuesOf)
    const [name = ''] = jar.names
    const respelled = jar.get(name).replace(/%3[aAbB]/, (code) => code.toLowerCase())
    const ids = [jar, jar.with(name, respelled)].map(async ({ valuesOf }) => (await former.find(valuesOf))?.id)
    const [id, again] = await Promise.all(ids)
    expect(again).toBe(id)
    expect(other?.id).not.toBe(id)
  })

  it('cannot change a prototype', async () => {
    const { jar, former } = await written(POLLUTING)
    const data = await (await former.find(jar.valuesOf))?.read(Date.now())
    const profile: unknown = data?.values['profile']
    expect(JSON.stringify(data?.values)).toBe('{"user":"ada","profile":{"name":"Ada"}}')
    expect(Object.getPrototypeOf(profile)).toBe(Object.prototype)
    expect(Object.getPrototypeOf(data?.values)).toBe(Object.prototype)
  })

  it('shows neither its id nor its values nor the secret to who inspects it', async () => {
    const { jar, former } = await written()
    const session = await former.find(jar.valuesOf)
    const text = inspect([former, session], { depth: 9, showHidden: true })
    expect(session?.id).toMatch(/^[\w-]{32,}$/)
    expect(text.includes(session?.id ?? '')).toBe(false)
    expect(text).not.toMatch(/ada|Middlemarch|secret of/)
  })

  it('names its cookies where the application put them', async () => {
    const { application, jar } = await written()
    const { cookies } = application.former([SECRET], { cookie: { path: '/shop', domain: 'example.com' } })
    expect(cookies.map(({ name }) => name)).toEqual(expect.arrayContaining([...jar.names]))
    expect(new Set(cookies.map(({ path, domain }) => `${domain}${path}`))).toEqual(new Set(['example.com/shop']))
  })

  it('stays only if the application asks for that', async () => {
    const application = await start(SECRET)
    expect(application.former([SECRET]).keep).toBe(false)
    expect(application.former([SECRET], { keep: true }).keep).toBe(true)
  })
})

describe.each(WRITERS.filter(({ isExpiry }) => isExpiry))('a session of $library that has an end', ({ start }) => {
  it('ends when it would have ended with the library', async () => {
    const before = Date.now()
    const application = await start(SECRET)
    const jar = await write(application, VALUES)
    const session = await application.former([SECRET]).find(jar.valuesOf)
    const expiresAt = (await session?.read(before))?.expiresAt ?? 0
    // @fastify/secure-session rounds to seconds.
    expect(expiresAt).toBeGreaterThanOrEqual(before + HOUR - 500)
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + HOUR + 500)
    expect(await session?.read(expiresAt - 1)).toBeDefined()
    expect(await session?.read(expiresAt)).toBeUndefined()
  })
})

describe.each(WRITERS.filter(({ library }) => library.endsWith('/session') || library === 'express-session'))(
  'a session that $library has in a store',
  ({ start }) => {
    it('is gone for the library, too, once it has ended', async () => {
      const application = await start(SECRET)
      const jar = await write(application, VALUES)
      const session = await application.former([SECRET]).find(jar.valuesOf)
      expect(await userOf(application, jar)).toBe('ada')
      await session?.end()
      expect(await session?.read(Date.now())).toBeUndefined()
      expect(await userOf(application, jar)).toBeUndefined()
    })
  },
)
