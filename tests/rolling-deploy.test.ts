import memory from '@sess/adapter-memory'
import { type Exchange, type Session, sessions } from '@sess/core'
import { createAdapterContext, type ServerStore } from '@sess/core/adapter'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { asServerStore, type Place, places, SECRET } from './support/backends.ts'
import { chance } from './support/chance.ts'
import { isNightly } from '../scripts/nightly.js'

/** Milliseconds. Long enough that no call is late, however busy the machine is. */
const DEADLINE = 20_000
const STEPS = isNightly ? 2000 : 60

/** Both versions refuse keys that they do not know. The number of visits is a text in the old one, and the cart has titles alone. */
const OLD = z
  .strictObject({
    name: z.string(),
    cart: z.array(z.string()),
    visits: z.union([z.string(), z.number()]).transform(String),
  })
  .partial()

const NEW = z
  .strictObject({
    displayName: z.string(),
    cart: z.array(z.object({ title: z.string() })),
    visits: z.coerce.number(),
    theme: z.enum(['dark', 'light']),
  })
  .partial()

/** Makes requests of one browser at both versions. */
class Visitor {
  cookie: string | undefined

  /** Resolves with what the handler returns. */
  async visit<D, T>(
    sess: { exchange(cookie: string | undefined): Exchange<D> },
    use: (session: Session<D>) => T,
  ): Promise<T> {
    const exchange = sess.exchange(this.cookie)
    const result = use(await exchange.open())
    const headers = await exchange.commit(200)
    this.cookie ??= headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0]
    return result
  }
}

type Home = Pick<Place, 'openStore' | 'stop'>

async function inMemory(): Promise<Home> {
  const store = asServerStore(memory({ scope: 'rolling deploy' }, createAdapterContext({ secret: SECRET })))
  return { openStore: () => store, stop: () => store.close() }
}

const homes: readonly (readonly [name: string, open: () => Promise<Home>])[] = [
  ['memory', inMemory],
  ...places.map(([name, open]) => [name, () => open(DEADLINE)] as const),
]

describe.each(homes)('two versions of an application, each with its schema, over one %s store', (_name, open) => {
  test('lose nothing of each other, in any order, and count every visit', async () => {
    const { openStore, stop } = await open()
    onTestFinished(stop)
    const errors: unknown[] = []
    const options = { secret: SECRET, onError: (error: unknown) => errors.push(error) }
    const start = (): ServerStore => {
      const store = openStore()
      onTestFinished(() => store.close())
      return store
    }
    const old = sessions(start(), { ...options, schema: OLD })
    const next = sessions(start(), { ...options, schema: NEW })
    const unchecked = sessions(start(), options)
    const visitor = new Visitor()
    const countOld = () => visitor.visit(old, (session) => session.update('visits', (n = '0') => `${Number(n) + 1}`))
    const countNext = () => visitor.visit(next, (session) => session.update('visits', (n = 0) => n + 1))
    /** What is to be stored, besides the visits. */
    const expected: Record<string, unknown> = {}
    let visits = 1
    await countOld()
    const put = (values: object): object => Object.assign(expected, values) && values
    const removed = (key: string): boolean => delete expected[key]
    const steps: readonly ((step: number) => Promise<unknown>)[] = [
      (step) => visitor.visit(old, (session) => Object.assign(session, put({ name: `ada ${step}` }))),
      (step) => visitor.visit(old, (session) => Object.assign(session, put({ cart: [`emma ${step}`] }))),
      () => visitor.visit(old, (session) => removed('name') && delete session.name),
      () => visitor.visit(old, (session) => ({ ...session })),
      (step) => visitor.visit(next, (session) => Object.assign(session, put({ displayName: `Ada ${step}` }))),
      (step) => visitor.visit(next, (session) => Object.assign(session, put({ cart: [{ title: `emma ${step}` }] }))),
      () => visitor.visit(next, (session) => Object.assign(session, put({ theme: 'dark' }))),
      () => visitor.visit(next, (session) => removed('theme') && delete session.theme),
      () => visitor.visit(next, (session) => ({ ...session })),
      async () => {
        visits += 4
        await Promise.all([countOld(), countNext(), countNext(), countOld()])
      },
    ]
    const random = chance()
    for (let step = 0; step < STEPS; step++) {
      await steps[Math.floor(random() * steps.length)]?.(step)
      const { visits: counted, ...others } = await visitor.visit(unchecked, (session) => ({ ...session }))
      expect([Number(counted), others]).toEqual([visits, expected])
    }
    // Each version has met what it does not know.
    expect(errors.length).toBeGreaterThan(2)
  })
})
