import { inspect } from 'node:util'
import cookie from '@sess/adapter-cookie'
import { type AnyData, type Session, type Sessions, sessions } from '@sess/core'
import { SessError } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { OLDER_SECRET, SECRET } from '../support/secret.ts'
import { Listener } from '../support/told.ts'

/** Each value that an application keeps to itself contains this. */
const PRIVATE = 'private-'

/** A store that is not ours: every seventh call fails, with an error that shows what it was given. */
class Telltale extends CountedStore {
  readonly keys = new Set<string>()
  #count = 0

  override create(...args: Parameters<CountedStore['create']>): ReturnType<CountedStore['create']> {
    return this.#call(args, () => super.create(...args))
  }

  override read(...args: Parameters<CountedStore['read']>): ReturnType<CountedStore['read']> {
    return this.#call(args, () => super.read(...args))
  }

  override update(...args: Parameters<CountedStore['update']>): ReturnType<CountedStore['update']> {
    return this.#call(args, () => super.update(...args))
  }

  override destroy(...args: Parameters<CountedStore['destroy']>): Promise<void> {
    return this.#call(args, () => super.destroy(...args))
  }

  async #call<T>(args: readonly unknown[], call: () => Promise<T>): Promise<T> {
    this.keys.add(String(args[0]))
    if (++this.#count % 7 === 0) throw Object.assign(new Error('the command failed'), { command: args })
    return call()
  }
}

const STEPS = [
  'read',
  'begin',
  'count',
  'log in',
  'log in as another',
  'regenerate',
  'remember',
  'destroy',
  'save',
] as const
const AFTERS = [
  'nothing',
  'revoke all',
  'revoke one',
  'list',
  'a day',
  'an hour',
  'a stranger',
  'an old cookie',
] as const

type Step = (typeof STEPS)[number]
type Visit = { readonly steps: readonly Step[]; readonly after: (typeof AFTERS)[number]; readonly status: number }

const VISITS: fc.Arbitrary<readonly Visit[]> = fc.array(
  fc.record({
    steps: fc.array(fc.constantFrom(...STEPS), { maxLength: 4 }),
    after: fc.constantFrom(...AFTERS),
    status: fc.constantFrom(200, 200, 200, 500),
  }),
  { minLength: 12, maxLength: 20 },
)

async function perform(session: Session<AnyData>, step: Step): Promise<void> {
  if (step === 'read') void session['cart']
  else if (step === 'begin') session['cart'] = `${PRIVATE}cart`
  else if (step === 'count') session.update('visits', (visits) => `${PRIVATE}visit ${JSON.stringify(visits)?.length}`)
  else if (step === 'log in') session['user'] = `${PRIVATE}ada`
  else if (step === 'log in as another') session['user'] = `${PRIVATE}grace`
  else if (step === 'regenerate') session.regenerate()
  else if (step === 'remember') session.regenerate({ remember: true })
  else if (step === 'destroy') session.destroy()
  else await session.save()
}

interface Place {
  readonly sess: Sessions
  readonly clock: Clock
  readonly hasOwners: boolean
  /** What no message may have, besides the tokens. */
  readonly keys: ReadonlySet<string>
}

/** Goes through the visits; resolves with every token that a browser had. */
async function walk({ sess, clock, hasOwners }: Place, visits: readonly Visit[]): Promise<ReadonlySet<string>> {
  const tokens = new Set<string>()
  let browser = new Browser(sess)
  let old = browser
  const owner = hasOwners ? sess.owner(`${PRIVATE}ada`) : undefined
  for (const { steps, after, status } of visits) {
    const before = browser.at(sess)
    await browser
      .visit(async (session) => {
        for (const step of steps) await perform(session, step)
      }, status)
      .catch(() => undefined)
    for (const token of browser.jar.values()) tokens.add(token)
    old = before.jar.size > 0 ? before : old
    if (after === 'revoke all') await owner?.revoke().catch(() => undefined)
    if (after === 'list') await owner?.sessions().catch(() => undefined)
    if (after === 'revoke one') {
      const [first] = (await owner?.sessions().catch(() => [])) ?? []
      if (first) await owner?.revoke({ id: first.id }).catch(() => undefined)
    }
    if (after === 'a day') clock.advance(25 * HOUR)
    if (after === 'an hour') clock.advance(2 * HOUR)
    if (after === 'a stranger') browser = new Browser(sess)
    if (after === 'an old cookie') browser = old.at(sess)
  }
  return tokens
}

function onServer(): Place {
  const [store, clock] = [new Telltale(), new Clock()]
  const options = { owner: 'user', maxPerOwner: 2, remember: {}, clock: clock.read, onError: () => undefined }
  return {
    sess: sessions(store, { secret: [SECRET, OLDER_SECRET], ...options }),
    clock,
    hasOwners: true,
    keys: store.keys,
  }
}

function inBrowsers(): Place {
  const clock = new Clock()
  const options = { remember: {}, clock: clock.read, onError: () => undefined }
  return {
    sess: sessions(cookie, { secret: [SECRET, OLDER_SECRET], ...options }),
    clock,
    hasOwners: false,
    keys: new Set(),
  }
}

/** Everything that a subscriber can get at, also what is not enumerable. */
const everythingIn = (messages: Iterable<object>): string =>
  [...messages]
    .map((message) => inspect(message, { depth: null, showHidden: true }) + JSON.stringify(message))
    .join('\n')

describe.each([
  ['a store on a server, which fails now and then', onServer],
  ['the browsers', inBrowsers],
] as const)('with sessions in %s', (_, open) => {
  test('no message has an owner, a token, a key of the store, a secret or what a session holds', async () => {
    await fc.assert(
      fc.asyncProperty(VISITS, async (visits) => {
        const listener = new Listener()
        const place = open()
        const tokens = await walk(place, visits)
        listener.stop()
        const told = everythingIn(listener.messages)
        expect(listener.messages.size).toBeGreaterThan(visits.length)
        for (const secret of [PRIVATE, SECRET, OLDER_SECRET, ...tokens, ...place.keys])
          expect(told).not.toContain(secret)
      }),
      { numRuns: 20 },
    )
  })
})

test('the walk above would find what an error shows', () => {
  const error = new SessError('UNAVAILABLE', 'The store failed.', { cause: new Error(`${PRIVATE}cart`) })
  expect(everythingIn([{ store: 'memory', error }])).toContain(PRIVATE)
})

test('an error of the application’s own function is told without its properties', async () => {
  const listener = new Listener()
  const sess = sessions(new CountedStore(), { secret: SECRET })
  const browser = new Browser(sess)
  await browser.visit((session) => (session['visits'] = 1))
  let count = 0
  const fails = browser.visit(async (session) => {
    session.update('visits', (visits) => {
      if (count++ > 0) throw Object.assign(new TypeError('not a number'), { given: `${PRIVATE}visits` })
      return Number(visits) + 1
    })
    await browser.at(sess).visit((same) => same.update('visits', (visits) => Number(visits) + 1))
  })
  await expect(fails).rejects.toThrow('not a number')
  const told = everythingIn(listener.messages)
  expect(told).toContain('not a number')
  expect(told).not.toContain(PRIVATE)
})
