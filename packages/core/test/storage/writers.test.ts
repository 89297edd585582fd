import { setImmediate as turn } from 'node:timers/promises'
import { sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { arrive, begin, beginOn, type Handler, outcomeOf } from '../support/arrival.ts'
import { CountedStore } from '../support/counted-store.ts'
import { FailingStore } from '../support/failing-store.ts'
import { Stage } from '../support/interleaving.ts'
import { skipPauses } from '../support/pauses.ts'
import { SECRET } from '../support/secret.ts'
import { Signal } from '../support/signal.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { onWorkers } from '../support/workers.ts'

const numbers = (length: number): readonly number[] => Array.from({ length }, (_, index) => index)
const count = (value: unknown): number => (typeof value === 'number' ? value + 1 : 1)

describe('200 requests of one process that write at once', () => {
  test('lose none of 200 different keys', async () => {
    const { browser, arrive: request } = await begin({ first: true })
    const requests = await Promise.all(numbers(200).map(request))
    for (const [index, { session }] of requests.entries()) session[`key${index}`] = index
    await Promise.all(requests.map(({ answer }) => answer()))
    const keys = Object.fromEntries(numbers(200).map((index) => [`key${index}`, index]))
    expect(await browser.see()).toEqual({ first: true, ...keys })
  })

  test('count to 200 by update', async () => {
    const { browser, arrive: request } = await begin({ visits: 0 })
    const requests = await Promise.all(numbers(200).map(request))
    for (const { session } of requests) session.update('visits', count)
    await Promise.all(requests.map(({ answer }) => answer()))
    expect(await browser.see()).toEqual({ visits: 200 })
  })

  test('cost at most 1.2 store commands a change, the reads among them', async () => {
    const { store, arrive: request } = await begin({ first: true })
    store.take()
    const requests = await Promise.all(numbers(200).map(request))
    for (const [index, { session }] of requests.entries()) session[`key${index}`] = index
    await Promise.all(requests.map(({ answer }) => answer()))
    expect(store.calls.length).toBeLessThanOrEqual(240)
  })

  test('wait for no more than the swap under way and their own', async () => {
    const { store, arrive: request } = await begin({ first: true })
    const requests = await Promise.all(numbers(200).map(request))
    for (const [index, { session }] of requests.entries()) session[`key${index}`] = index
    store.take()
    await Promise.all(requests.map(({ answer }) => answer()))
    expect(store.methods).toEqual(['update', 'update'])
  })

  test('are judged separately: of those that depend on one value, one is stored', async () => {
    const { browser, arrive: request } = await begin({ visits: 0 })
    const requests = await Promise.all(numbers(200).map(request))
    for (const [index, { session }] of requests.entries()) {
      if (index % 2 === 0) session['visits'] = count(session['visits'])
      else session[`key${index}`] = index
    }
    const outcomes = await Promise.all(requests.map(({ answer }) => outcomeOf(answer())))
    expect(
      outcomes.map((outcome, index) => (outcome === 'stored' ? index : -1)).filter((index) => index % 2 === 0),
    ).toEqual([0])
    expect(Object.keys(await browser.see())).toHaveLength(101)
  })

  test('are stored, except the one that is too large', async () => {
    const { browser, arrive: request } = await beginOn(new CountedStore({ maxBytes: 10_000 }), { first: true })
    const requests = await Promise.all(numbers(20).map(request))
    for (const [index, { session }] of requests.entries())
      session[`key${index}`] = index === 7 ? 'x'.repeat(9_990) : index
    const outcomes = await Promise.all(requests.map(({ answer }) => outcomeOf(answer())))
    expect(outcomes.flatMap((outcome, index) => (outcome === 'stored' ? [] : [`${index} ${outcome}`]))).toEqual([
      '7 TOO_LARGE',
    ])
    expect(Object.keys(await browser.see())).toHaveLength(20)
  })

  test('get UNAVAILABLE if the store failed in their swap, and the others are stored', async () => {
    const store = new TroubledStore()
    const { browser, arrive: request } = await beginOn(store, { first: true })
    const requests = await Promise.all(numbers(20).map(request))
    for (const [index, { session }] of requests.entries()) session[`key${index}`] = index
    store.stall()
    store.isDown = true
    const outcomes = requests.map(({ answer }) => outcomeOf(answer()))
    await store.reached
    store.release()
    store.stall()
    const [first] = outcomes
    expect(await first).toBe('UNAVAILABLE')
    store.isDown = false
    store.release()
    expect(new Set(await Promise.all(outcomes.slice(1)))).toEqual(new Set(['stored']))
    expect(Object.keys(await browser.see())).toHaveLength(20)
  })

  test('all get CONFLICT when the session has ended', async () => {
    const { copy, arrive: request } = await begin({ first: true })
    const requests = await Promise.all(numbers(20).map(request))
    for (const [index, { session }] of requests.entries()) session[`key${index}`] = index
    await copy().visit((session) => session.destroy())
    const outcomes = await Promise.all(requests.map(({ answer }) => outcomeOf(answer())))
    expect(new Set(outcomes)).toEqual(new Set(['CONFLICT']))
  })
})

describe.each<[string, apart: boolean, inTurn: boolean]>([
  ['one process', false, false],
  ['30 processes', true, false],
  ['one Worker', false, true],
])('after save(), each of 30 requests of %s', (_, apart, inTurn) => {
  if (inTurn) onWorkers()
  const told = async (data: object, use: Handler) => {
    const { store, sess, browser } = await begin(data)
    const any: ServerStore = store
    const each = () => (apart ? sessions(any, { secret: SECRET }) : sess)
    const requests = await Promise.all(numbers(30).map(() => arrive(each(), browser.cookie)))
    const shown = await Promise.all(
      requests.map(async ({ session }) => {
        use(session)
        await session.save()
        return { ...session }
      }),
    )
    return { requests, shown, stored: await browser.see() }
  }

  test('that counts is told its own number', async () => {
    const { shown, stored } = await told({ visits: 0 }, (session) => session.update('visits', count))
    const told30 = shown.map(({ visits }) => Number(visits)).toSorted((one, other) => one - other)
    expect({ told30, stored }).toEqual({ told30: numbers(30).map((index) => index + 1), stored: { visits: 30 } })
  })

  test('that makes a token if there is none is told the one that is stored', async () => {
    let made = 0
    const { shown, stored } = await told({ user: 7 }, (session) =>
      session.update('csrf', (token) => token ?? `token ${++made}`),
    )
    expect(new Set(shown.map(({ csrf }) => csrf))).toEqual(new Set([stored['csrf']]))
  })

  test('that adds to a list is told the list up to its own turn', async () => {
    let writer = 0
    const { shown, stored } = await told({ list: [] }, (session) => {
      const name = `writer ${++writer}`
      session.update('list', (list) => [...Object(list), name])
    })
    const lists = shown.map(({ list }) => JSON.stringify(list).slice(0, -1))
    expect(new Set(lists).size).toBe(30)
    expect(lists.every((list) => JSON.stringify(stored['list']).startsWith(list))).toBe(true)
  })

  test('goes on to count from there, and none is lost', async () => {
    const { requests, shown } = await told({ visits: 0 }, (session) => session.update('visits', count))
    const outcomes = await Promise.all(
      requests.map(async ({ session, answer }, index) => {
        // The last one may count without `update`: no other has changed what it was told.
        if (shown[index]?.['visits'] === 30) session['visits'] = count(session['visits'])
        return outcomeOf(answer())
      }),
    )
    expect(new Set(outcomes)).toEqual(new Set(['stored']))
  })

  test('that counts without update is stored or refused by what it was told', async () => {
    const { requests, shown } = await told({ visits: 0 }, (session) => session.update('visits', count))
    const outcomes = await Promise.all(
      requests.map(async ({ session, answer }, index) => {
        session['visits'] = count(session['visits'])
        return `${Number(shown[index]?.['visits'])} ${await outcomeOf(answer())}`
      }),
    )
    expect(outcomes.filter((outcome) => outcome.endsWith('stored'))).toEqual(['30 stored'])
  })
})

describe('64 writers of 64 processes', () => {
  test('all succeed on one session, and none of their changes is lost', async () => {
    const { store, browser } = await begin({ visits: 0 })
    const any: ServerStore = store
    const requests = await Promise.all(numbers(64).map(() => arrive(sessions(any, { secret: SECRET }), browser.cookie)))
    for (const [index, { session }] of requests.entries()) {
      session.update('visits', count)
      session[`key${index}`] = index
    }
    await Promise.all(requests.map(({ answer }) => answer()))
    expect(await browser.see()).toEqual({
      visits: 64,
      ...Object.fromEntries(numbers(64).map((index) => [`key${index}`, index])),
    })
  })
})

describe('a request that waits for the swap of another', () => {
  skipPauses()

  test('is not refused because of a change by a third request that it has seen', async () => {
    const { store, browser } = await begin({ visits: 0 })
    const stage = new Stage()
    const here = sessions(stage.parking(store, 'here', { replies: true }), { secret: SECRET })
    const there = sessions(stage.parking(store, 'there'), { secret: SECRET })
    const request = (of: typeof here, key: string) => async () => {
      const { session, answer } = await arrive(of, browser.cookie)
      session[key] = count(session[key])
      return outcomeOf(answer())
    }
    const outcomes = await stage.direct(
      // The first update is stored but not answered yet; the second request stores its own; the third one reads it.
      [
        'here read',
        'here read answered',
        'here update',
        'there read',
        'there update',
        'here read',
        'here read answered',
      ],
      [request(here, 'other'), request(there, 'visits'), request(here, 'visits')],
    )
    expect({ outcomes, data: await browser.see() }).toEqual({
      outcomes: ['stored', 'stored', 'stored'],
      data: { visits: 2, other: 1 },
    })
  })
})

/** Its updates wait for what `passage` is when they are called. */
class HeldStore extends CountedStore {
  passage: Promise<unknown> | undefined

  override async update(...args: Parameters<ServerStore['update']>): ReturnType<ServerStore['update']> {
    await this.passage
    return super.update(...args)
  }
}

test('of 600 sessions that one process stores at the same time, each keeps its own changes', async () => {
  const store = new HeldStore()
  const sess = sessions(store, { secret: SECRET })
  const change = async (cookie: string | undefined, values: Record<string, number>): Promise<string> => {
    const exchange = sess.exchange(cookie)
    Object.assign(await exchange.open(), values)
    const headers = await exchange.commit(200)
    return headers.find(([name]) => name === 'set-cookie')?.[1].replace(/;.*/, '') ?? ''
  }
  const cookies = await Promise.all(numbers(600).map((index) => change(undefined, { own: index })))
  const changeAll = (from: number, key: string) =>
    Promise.all(cookies.slice(from, from + 300).map((cookie, index) => change(cookie, { [key]: from + index })))
  const [first, second] = [new Signal(), new Signal()]
  store.passage = first.happened
  const early = changeAll(0, 'changed')
  for (let turns = 0; turns < 3; turns++) await turn()
  store.passage = second.happened
  const late = changeAll(300, 'changed')
  for (let turns = 0; turns < 3; turns++) await turn()
  store.passage = undefined
  first.fire()
  await early
  await changeAll(0, 'again')
  second.fire()
  await late
  await changeAll(300, 'again')
  const found = await Promise.all(cookies.map((cookie) => sess.exchange(cookie).open()))
  expect(found.map((session) => Object.fromEntries(Object.entries(session)))).toEqual(
    numbers(600).map((index) => ({ own: index, changed: index, again: index })),
  )
})

test.each<[string, Handler, 'create' | 'update', readonly string[], number]>([
  ['a login', (session) => session.regenerate(), 'create', ['UNAVAILABLE', 'stored'], 2],
  ['a change', (session) => (session['other'] = 1), 'update', ['UNAVAILABLE', 'UNAVAILABLE'], 1],
])(
  'a change that waited for %s that failed is judged by the newest state',
  async (_, handler, method, both, visits) => {
    const store = new FailingStore()
    const { browser, arrive: request } = await beginOn(store, { visits: 0 })
    const first = await request()
    handler(first.session)
    // Another process.
    await browser.at(sessions(store, { secret: SECRET })).visit((session) => (session['visits'] = 1))
    const change = await request()
    change.session['visits'] = count(change.session['visits'])
    store.failing.add(method)
    const outcomes = await Promise.all([outcomeOf(first.answer()), outcomeOf(change.answer())])
    store.failing.clear()
    expect({ outcomes, data: await browser.see() }).toEqual({ outcomes: both, data: { visits } })
  },
)

test.each<[string, Handler, readonly string[]]>([
  ['login', (session) => session.regenerate(), ['create', 'update']],
  ['logout', (session) => session.destroy(), ['update', 'destroy']],
])('a change and a %s that wait for one are told at once, without asking the store', async (_, depart, methods) => {
  const { store, arrive: request } = await begin({ visits: 0 })
  const [first, change, again] = [await request(), await request(), await request()]
  depart(first.session)
  change.session['visits'] = 1
  depart(again.session)
  store.take()
  const outcomes = await Promise.all([first, change, again].map(({ answer }) => outcomeOf(answer())))
  expect({ outcomes, methods: store.methods }).toEqual({ outcomes: ['stored', 'CONFLICT', 'stored'], methods })
})

test('a logout goes before a change that came first, after the one that is under way', async () => {
  const { store, arrive: request } = await beginOn(new TroubledStore(), { visits: 0 })
  const [underWay, change, logout] = [await request(), await request(), await request()]
  underWay.session['first'] = 1
  change.session['second'] = 2
  logout.session.destroy()
  store.stall()
  store.take()
  const answers = [underWay, change, logout].map(({ answer }) => outcomeOf(answer()))
  await store.reached
  store.release()
  const outcomes = await Promise.all(answers)
  expect({ outcomes, methods: store.methods }).toEqual({
    outcomes: ['stored', 'CONFLICT', 'stored'],
    methods: ['update', 'update', 'destroy'],
  })
})
