import type { AnyData, Session } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { begin } from '../support/arrival.ts'
import { thrownBy } from '../support/failure.ts'

const DATA = { user: 7, visits: 1 }

const callback = () => undefined

/** Methods with one argument too many, and what the message says about it. */
const CALLS: readonly (readonly [
  call: string,
  method: keyof Session<AnyData>,
  given: readonly unknown[],
  says: string,
])[] = [
  ['regenerate(callback)', 'regenerate', [callback], 'await session.save()'],
  ['destroy(callback)', 'destroy', [callback], 'await session.save()'],
  ['save(callback)', 'save', [callback], 'await session.save()'],
  ['take(key, callback)', 'take', ['user', callback], 'await session.save()'],
  ['update(key, function, callback)', 'update', ['user', () => 8, callback], 'await session.save()'],
  [
    'regenerate(other options)',
    'regenerate',
    [{ force: true }],
    'was given an object; it takes nothing, or { remember',
  ],
  [
    'regenerate({ remember: 1 })',
    'regenerate',
    [{ remember: 1 }],
    'was given an object; it takes nothing, or { remember',
  ],
  [
    'regenerate(undefined, options)',
    'regenerate',
    [undefined, {}],
    'was given an object; it takes nothing, or { remember',
  ],
  ['regenerate(true)', 'regenerate', [true], 'was given true; it takes nothing, or { remember'],
  ['regenerate(null)', 'regenerate', [null], 'was given null; it takes nothing, or { remember'],
  ['destroy(options)', 'destroy', [{}], 'was given an object; it takes no argument.'],
  ['save(options)', 'save', [{}], 'was given an object; it takes no argument.'],
  ['save(null)', 'save', [null], 'was given null; it takes no argument.'],
  ['take(key, default)', 'take', ['user', 'nobody'], 'it takes only a key'],
  ['update(key, function, default)', 'update', ['user', () => 8, 0], 'it takes only a key and a function'],
]

describe.each(CALLS)('session.%s', (_, method, given, says) => {
  const call = async () => {
    const begun = await begin(DATA)
    const arrival = await begun.arrive()
    // Not awaited, as a caller with a callback does not.
    const error = thrownBy(() => Reflect.apply(Object(arrival.session[method]), arrival.session, given))
    return { ...begun, ...arrival, error }
  }

  test('throws at once, and says what it takes', async () => {
    const { error } = await call()
    expect({ code: error.code, message: error.message }).toEqual({
      code: 'INVALID_VALUE',
      message: expect.stringContaining(says),
    })
    expect(error.message).toContain(`session.${method} was given`)
  })

  test('changes nothing', async () => {
    const { store, answer } = await call()
    store.take()
    await answer()
    expect(store.methods).toEqual([])
  })
})

test.each(['regenerate', 'save'] as const)(
  'session.%s(callback), as Passport calls it, names the guide’s page about express-session',
  async (method) => {
    const { arrive } = await begin(DATA)
    const { session } = await arrive()
    const { message } = thrownBy(() => Reflect.apply(session[method], session, [callback]))
    expect(message).toContain('docs/guide/coming-from-express-session.md')
  },
)

test('an argument that is undefined is none', async () => {
  const { browser } = await begin(DATA)
  await browser.visit((session) => {
    Reflect.apply(session.take, session, ['user', undefined])
    Reflect.apply(session.regenerate, session, [undefined])
  })
  expect(await browser.see()).toEqual({ visits: 1 })
})
