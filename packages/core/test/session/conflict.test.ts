import type { AnyData, Session } from '@sess/core'
import { isSessError } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { begin, type Handler } from '../support/arrival.ts'
import { failureOf } from '../../../../tests/support/stores.ts'

const DATA = {
  visits: 1,
  notice: 'hello',
  gone: 'soon',
  cart: ['book'],
  address: { street: 'Old Road', city: 'Oldtown' },
}

/** Opens two sessions before either request is answered, then answers the first request first. */
async function overlap(
  first: Handler,
  second: Handler,
  options: { readonly onConflict?: 'fail' | 'overwrite' } = {},
): Promise<{ outcome: 'stored' | 'CONFLICT'; message: string; data: Record<string, unknown> }> {
  const { browser, arrive } = await begin(DATA, options)
  const [one, other] = [await arrive(), await arrive()]
  first(one.session)
  second(other.session)
  await one.answer()
  let message = ''
  try {
    await other.answer()
  } catch (error) {
    if (!isSessError(error) || error.code !== 'CONFLICT') throw error
    message = error.message
  }
  return { outcome: message === '' ? 'stored' : 'CONFLICT', message, data: await browser.see() }
}

const count = (value: unknown): number => (typeof value === 'number' ? value + 1 : 1)

/** The array under a key, typed so that it can be altered. */
function listOf(session: Session<AnyData>, key: string): unknown[] {
  const value: unknown = session[key]
  if (!Array.isArray(value)) throw new Error(`expected an array under ${key}`)
  return value
}

/** The object under a key, typed so that it can be altered. */
function objectOf(session: Session<AnyData>, key: string): object {
  const value: unknown = session[key]
  if (typeof value !== 'object' || value === null) throw new Error(`expected an object under ${key}`)
  return value
}

const assign =
  (data: object): Handler =>
  (session) =>
    Object.assign(session, data)

describe('rule 1: changes to different keys merge:', () => {
  test.each<[string, Handler, Handler, object]>([
    ['two assignments', assign({ user: 7 }), assign({ theme: 'dark' }), { ...DATA, user: 7, theme: 'dark' }],
    ['two keys rewritten', assign({ visits: 5 }), assign({ notice: 'bye' }), { ...DATA, visits: 5, notice: 'bye' }],
    [
      'a removal before an assignment',
      (session) => delete session['gone'],
      assign({ visits: 5 }),
      { ...DATA, gone: undefined, visits: 5 },
    ],
    [
      'a removal after an assignment',
      assign({ visits: 5 }),
      (session) => delete session['gone'],
      { ...DATA, gone: undefined, visits: 5 },
    ],
    [
      'an object altered in place and an assignment',
      assign({ visits: 5 }),
      (session) => listOf(session, 'cart').push('pen'),
      { ...DATA, visits: 5, cart: ['book', 'pen'] },
    ],
    [
      'a key that rests on another, which was read alone',
      assign({ visits: 5 }),
      (session) => (session['seen'] = session['visits']),
      { ...DATA, visits: 5, seen: 1 },
    ],
    [
      'a key that was read and rewritten as it was',
      assign({ visits: 5 }),
      (session) => Object.assign(session, { visits: session['visits'], theme: 'dark' }),
      { ...DATA, visits: 5, theme: 'dark' },
    ],
    [
      'an object that was altered and put back as it was',
      (session) => listOf(session, 'cart').push('pen'),
      (session) => {
        listOf(session, 'cart').push('ink')
        listOf(session, 'cart').pop()
        session['theme'] = 'dark'
      },
      { ...DATA, cart: ['book', 'pen'], theme: 'dark' },
    ],
  ])('%s', async (_, first, second, data) => {
    expect(await overlap(first, second)).toMatchObject({ outcome: 'stored', data: withoutUndefined(data) })
  })

  test('what the first removed does not come back', async () => {
    const { data } = await overlap((session) => delete session['gone'], assign({ visits: 5 }))
    expect(data).not.toHaveProperty('gone')
  })
})

describe('rule 2: an update runs again on the newest value:', () => {
  const visit: Handler = (session) => session.update('visits', count)
  test.each<[string, Handler, Handler, object]>([
    ['two counters', visit, visit, { visits: 3 }],
    [
      'twice in one request',
      visit,
      (session) => {
        visit(session)
        visit(session)
      },
      { visits: 4 },
    ],
    ['after an assignment by another', assign({ visits: 10 }), visit, { visits: 11 }],
    ['after a removal by another', (session) => delete session['visits'], visit, { visits: 1 }],
    [
      'that reads the key besides',
      visit,
      (session) => {
        expect(session['visits']).toBe(1)
        visit(session)
      },
      { visits: 3 },
    ],
    [
      'of a key that was missing',
      (session) => session.update('list', () => ['a']),
      (session) => session.update('list', (list) => [...(Array.isArray(list) ? list : []), 'b']),
      { list: ['a', 'b'] },
    ],
    ['of what both take', (session) => session.take('notice'), (session) => session.take('notice'), {}],
  ])('%s', async (_, first, second, data) => {
    expect(await overlap(first, second)).toMatchObject({ outcome: 'stored', data })
  })

  test('one that removes the newest value removes it', async () => {
    const { data } = await overlap(visit, (session) => session.update('visits', () => null))
    expect(data).not.toHaveProperty('visits')
  })

  test('what both take is shown twice and then gone', async () => {
    const taken: unknown[] = []
    const take: Handler = (session) => taken.push(session.take('notice'))
    const { data } = await overlap(take, take)
    expect({ taken, left: 'notice' in data }).toEqual({ taken: ['hello', 'hello'], left: false })
  })

  test('a take leaves a value that was put there since, as it was not seen', async () => {
    const { data } = await overlap(assign({ notice: 'new' }), (session) => session.take('notice'))
    expect(data).toMatchObject({ notice: 'new' })
  })

  test('a take of a notice that another request has taken and replaced leaves the new one', async () => {
    const renew: Handler = (session) => {
      session.take('notice')
      session['notice'] = 'new'
    }
    expect((await overlap(renew, (session) => session.take('notice'))).data).toMatchObject({ notice: 'new' })
  })

  test('the value that it returned may be older than the one that it stored', async () => {
    const returned: unknown[] = []
    const visiting: Handler = (session) => returned.push(session.update('visits', count))
    expect((await overlap(visiting, visiting)).data).toMatchObject({ visits: 3 })
    expect(returned).toEqual([2, 2])
  })

  test('a function that throws when it runs again stores nothing, and its error is thrown', async () => {
    const { browser, arrive } = await begin(DATA)
    const [one, other] = [await arrive(), await arrive()]
    const full = new Error('full')
    other.session['theme'] = 'dark'
    other.session.update('visits', (value) => {
      if (value !== 1) throw full
      return 2
    })
    one.session['visits'] = 5
    await one.answer()
    await expect(other.answer()).rejects.toBe(full)
    expect(await browser.see()).toEqual({ ...DATA, visits: 5 })
  })

  test('a function that returns what JSON cannot carry when it runs again stores nothing', async () => {
    const { browser, arrive } = await begin(DATA)
    const [one, other] = [await arrive(), await arrive()]
    other.session.update('visits', (value) => (value === 1 ? 2 : Number.NaN))
    one.session['visits'] = 5
    await one.answer()
    expect((await failureOf(other.answer())).code).toBe('INVALID_VALUE')
    expect(await browser.see()).toEqual({ ...DATA, visits: 5 })
  })
})

describe('what may be used once is read and deleted', () => {
  const useByDelete = (session: Session<AnyData>) => {
    const { coupon } = session
    if (coupon !== undefined) delete session['coupon']
  }
  const useByAssignment = (session: Session<AnyData>) => {
    if (session['coupon'] !== undefined) session['coupon'] = undefined
  }

  test.each<[number, string, Handler, 'save' | 'answer']>([
    [2, 'delete, then save()', useByDelete, 'save'],
    [30, 'delete, then save()', useByDelete, 'save'],
    [30, 'delete, then the response', useByDelete, 'answer'],
    [30, 'undefined, then save()', useByAssignment, 'save'],
  ])('by one of %i requests, and the others are CONFLICT: %s', async (requests, _, use, how) => {
    const { arrive, browser } = await begin({ ...DATA, coupon: 'half price' })
    const arrivals = await Promise.all(Array.from({ length: requests }, arrive))
    const outcomes = await Promise.all(
      arrivals.map(async ({ session, answer }) => {
        use(session)
        return (how === 'save' ? session.save() : answer()).then(
          () => 'used',
          (error: unknown) => (isSessError(error) ? error.code : String(error)),
        )
      }),
    )
    const refused = outcomes.filter((outcome) => outcome === 'CONFLICT').length
    expect({ used: outcomes.filter((outcome) => outcome === 'used').length, refused }).toEqual({
      used: 1,
      refused: requests - 1,
    })
    expect(await browser.see()).toEqual(DATA)
  })
})

describe('rule 3: if a key is assigned without having been read, the last commit wins:', () => {
  test.each<[string, Handler, Handler, object]>([
    ['two assignments', assign({ visits: 5 }), assign({ visits: 6 }), { visits: 6 }],
    ['an assignment after a removal', (session) => delete session['visits'], assign({ visits: 6 }), { visits: 6 }],
    [
      'an assignment after an update',
      (session) => session.update('visits', count),
      assign({ visits: 6 }),
      { visits: 6 },
    ],
    [
      'two objects, each whole',
      assign({ address: { street: 'A' } }),
      assign({ address: { city: 'B' } }),
      { address: { city: 'B' } },
    ],
    [
      'an assignment that is read and altered afterwards',
      (session) => listOf(session, 'cart').push('pen'),
      (session) => {
        session['cart'] = []
        listOf(session, 'cart').push('ink')
      },
      { cart: ['ink'] },
    ],
  ])('%s', async (_, first, second, data) => {
    const result = await overlap(first, second)
    expect(result).toMatchObject({ outcome: 'stored', data })
  })

  test('a removal after an assignment', async () => {
    const { outcome, data } = await overlap(assign({ visits: 5 }), (session) => delete session['visits'])
    expect({ outcome, left: 'visits' in data }).toEqual({ outcome: 'stored', left: false })
  })
})

/** Handlers that observe the key and then write it. */
const RESTING: readonly [string, string, Handler][] = [
  ['got', 'visits', (session) => (session['visits'] = count(session['visits']))],
  ['asked for by in', 'visits', (session) => 'visits' in session && (session['visits'] = 9)],
  ['asked for by Object.hasOwn', 'visits', (session) => Object.hasOwn(session, 'visits') && (session['visits'] = 9)],
  ['enumerated by Object.keys', 'visits', (session) => Object.keys(session) && (session['visits'] = 9)],
  [
    'enumerated by for-in',
    'visits',
    (session) => {
      for (const key in session) if (key === 'visits') session[key] = 9
    },
  ],
  ['enumerated by spread', 'visits', (session) => Object.assign(session, { ...session, visits: 9 })],
  ['enumerated by JSON.stringify', 'visits', (session) => JSON.stringify(session) && (session['visits'] = 9)],
  [
    'destructured',
    'visits',
    (session) => {
      const { visits } = session
      session['visits'] = count(visits)
    },
  ],
  ['got and then removed', 'visits', (session) => session['visits'] && delete session['visits']],
  [
    'returned by an update and then assigned',
    'visits',
    (session) => {
      session['visits'] = count(session.update('visits', count))
    },
  ],
  ['taken and then assigned', 'notice', (session) => (session['notice'] = [session.take('notice') ?? ''])],
  [
    'returned by an update and then altered',
    'cart',
    (session) => {
      session.update('cart', (cart) => cart)
      listOf(session, 'cart').push('ink')
    },
  ],
  ['altered by push', 'cart', (session) => listOf(session, 'cart').push('ink')],
  ['altered by splice', 'cart', (session) => listOf(session, 'cart').splice(0, 1)],
  ['altered one level down', 'address', (session) => Reflect.set(objectOf(session, 'address'), 'street', 'New Road')],
  ['altered by delete', 'address', (session) => Reflect.deleteProperty(objectOf(session, 'address'), 'street')],
]

const REWRITE: Handler = (session) =>
  Object.assign(session, { visits: 5, notice: 'new', cart: ['pen'], address: { street: 'Rewritten' } })

describe('rule 4: a key that was observed and then written conflicts if another request changed it in between:', () => {
  test.each(RESTING)('%s', async (_, key, handler) => {
    const { outcome, message, data } = await overlap(REWRITE, handler)
    expect({ outcome, data }).toEqual({
      outcome: 'CONFLICT',
      data: { ...DATA, visits: 5, notice: 'new', cart: ['pen'], address: { street: 'Rewritten' } },
    })
    expect(message).toContain(`Session key "${key}" was read by this request`)
  })

  test('two visits + 1 that agree on 2 conflict', async () => {
    const visit: Handler = (session) => (session['visits'] = count(session['visits']))
    expect(await overlap(visit, visit)).toMatchObject({ outcome: 'CONFLICT', data: { visits: 2 } })
  })

  test('a key that was missing when it was looked for', async () => {
    const addOnce: Handler = (session) => 'theme' in session || (session['theme'] = 'light')
    const { outcome, data } = await overlap(assign({ theme: 'dark' }), addOnce)
    expect({ outcome, theme: data['theme'] }).toEqual({ outcome: 'CONFLICT', theme: 'dark' })
  })

  test('a key that was missing when the keys were enumerated', async () => {
    const addOnce: Handler = (session) => Object.keys(session).includes('theme') || (session['theme'] = 'light')
    const { outcome, data } = await overlap(assign({ theme: 'dark' }), addOnce)
    expect({ outcome, theme: data['theme'] }).toEqual({ outcome: 'CONFLICT', theme: 'dark' })
  })

  test('a key that another request removed', async () => {
    const visit: Handler = (session) => (session['visits'] = count(session['visits']))
    const { outcome, data } = await overlap((session) => delete session['visits'], visit)
    expect({ outcome, left: 'visits' in data }).toEqual({ outcome: 'CONFLICT', left: false })
  })

  test('the refused request stores nothing of what else it changed', async () => {
    const { data } = await overlap(REWRITE, (session) => {
      session['theme'] = 'dark'
      session['visits'] = count(session['visits'])
    })
    expect(data).not.toHaveProperty('theme')
  })

  test('the error has a status of 409, names the key and says what to use', async () => {
    const { arrive } = await begin(DATA)
    const [one, other] = [await arrive(), await arrive()]
    for (const { session } of [one, other]) session['visits'] = count(session['visits'])
    await one.answer()
    const error = await failureOf(other.answer())
    expect(error).toMatchObject({ code: 'CONFLICT', status: 409 })
    expect(error.message).toContain('session.update("visits", value => …)')
  })

  test('the error shows no value', async () => {
    const secret = 'a value of the session'
    const { message } = await overlap(assign({ notice: secret }), (session) => {
      session['notice'] = [secret, session['notice'] ?? '']
    })
    expect(message).not.toContain(secret)
  })

  test('the refused request succeeds when it is made again', async () => {
    const { browser, arrive } = await begin(DATA)
    const visit: Handler = (session) => (session['visits'] = count(session['visits']))
    const [one, other] = [await arrive(), await arrive()]
    visit(one.session)
    visit(other.session)
    await one.answer()
    await failureOf(other.answer())
    await browser.visit(visit)
    expect(await browser.see()).toMatchObject({ visits: 3 })
  })

  test('reading alone conflicts with nothing', async () => {
    const read: Handler = (session) => JSON.stringify(session)
    expect(await overlap(REWRITE, read)).toMatchObject({ outcome: 'stored', data: { visits: 5 } })
  })
})

describe('no merging below the top level:', () => {
  test('one street with another city is nobody’s address', async () => {
    const { outcome, data } = await overlap(
      (session) => Reflect.set(objectOf(session, 'address'), 'street', 'New Road'),
      (session) => Reflect.set(objectOf(session, 'address'), 'city', 'Newtown'),
    )
    expect({ outcome, address: data['address'] }).toEqual({
      outcome: 'CONFLICT',
      address: { street: 'New Road', city: 'Oldtown' },
    })
  })
})

describe("rule 5: with onConflict: 'overwrite', the last commit of a key wins", () => {
  test.each(RESTING)('%s', async (_, key, handler) => {
    const alone = await overlap(() => undefined, handler)
    const { outcome, data } = await overlap(REWRITE, handler, { onConflict: 'overwrite' })
    expect({ outcome, value: data[key] }).toEqual({ outcome: 'stored', value: alone.data[key] })
  })

  test('and other keys still merge', async () => {
    const visit: Handler = (session) => (session['visits'] = count(session['visits']))
    const { data } = await overlap(REWRITE, visit, { onConflict: 'overwrite' })
    expect(data).toMatchObject({ visits: 2, notice: 'new', cart: ['pen'] })
  })

  test('and an update still runs again', async () => {
    const { data } = await overlap(REWRITE, (session) => session.update('visits', count), { onConflict: 'overwrite' })
    expect(data).toMatchObject({ visits: 6 })
  })
})

function withoutUndefined(data: object): object {
  return Object.fromEntries(Object.entries(data).filter(([, value]: [string, unknown]) => value !== undefined))
}
