import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { codeOf, failureOf } from '../../../../tests/support/stores.ts'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { deploy } from '../support/deploy.ts'
import { thrownBy } from '../support/failure.ts'

/** A schema that answers in this way. */
const answering = (validate: (value: unknown) => unknown, version: unknown = 1): object => ({
  '~standard': { version, vendor: 'test', validate },
})

const SHAPED = 'expected a Standard Schema, as Zod, Valibot and ArkType make'
const REFUSES = 'cannot be used, because it refuses {}, as a new session is: '

const later = async (): Promise<boolean> => true

const rejecting = async (): Promise<never> => {
  throw new Error('no')
}

const REFUSED: readonly (readonly [what: string, schema: unknown, says: string])[] = [
  ['null', null, `Option sessions.schema is null; ${SHAPED}`],
  ['a text', 'userId', `Option sessions.schema is a string of 6 characters; ${SHAPED}`],
  ['the shape of an object', { userId: z.number() }, `Option sessions.schema is an object; ${SHAPED}`],
  ['a function', () => true, `Option sessions.schema is a function; ${SHAPED}`],
  ['a schema of another version', answering((value) => ({ value }), 2), SHAPED],
  ['a schema of a text, of Zod', z.string(), REFUSES],
  ['a schema of a text, of Valibot', v.string(), REFUSES],
  ['a schema of a text, of ArkType', type('string'), REFUSES],
  ['a schema of an array', z.array(z.string()), REFUSES],
  ['a union of objects', z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), REFUSES],
  [
    'a schema that makes something else of a session',
    z.any().transform(() => 'text'),
    'the schema makes a string of a session',
  ],
  [
    'a default that a session cannot hold',
    z.object({ at: z.date().default(new Date()) }),
    'makes of it what a session cannot hold',
  ],
  ['an asynchronous schema, of Zod', z.object({}).refine(later), 'answered with a promise'],
  ['an asynchronous schema, of Valibot', v.objectAsync({}), 'answered with a promise'],
  ['a schema that rejects', answering(rejecting), 'answered with a promise'],
  ['a schema that throws', answering(() => JSON.parse('{')), 'the schema threw a SyntaxError'],
  ['a schema that answers nothing', answering(() => undefined), 'neither a value nor issues'],
  ['a schema that answers otherwise', answering(() => ({})), 'neither a value nor issues'],
]

describe('the option schema', () => {
  test.each(REFUSED)('refuses %s at start', (_what, schema, says) => {
    const { code, message } = thrownBy(() => deploy(new CountedStore(), { schema }))
    expect(code).toBe('INVALID_OPTION')
    expect(message).toContain(says)
  })

  test.each([undefined, z.object({ a: z.string() }), v.object({ a: v.string() }), type({ a: 'string' })])(
    'takes what is one, or nothing (%#)',
    (schema) => {
      expect(() => deploy(new CountedStore(), { schema })).not.toThrow()
    },
  )

  test('refuses to store what an asynchronous check of one key has to decide', async () => {
    const schema = z.object({ name: z.string().refine(later).optional() })
    const browser = new Browser(deploy(new CountedStore(), { schema }).sess)
    const failure = await failureOf(browser.visit((session) => (session['name'] = 'ada')))
    expect(failure.code).toBe('INVALID_VALUE')
    expect(failure.message).toMatch(/^session\["name"\] does not fit the schema: the schema answered with a promise/)
  })

  test('hands the schema a copy, so one that alters it changes nothing', async () => {
    const store = new CountedStore()
    const altering = answering((value) => {
      if (typeof value === 'object' && value !== null && 'cart' in value && Array.isArray(value.cart)) value.cart.pop()
      return { value }
    })
    const browser = new Browser(deploy(store).sess)
    await browser.visit((session) => (session['cart'] = ['emma', 'persuasion']))
    const read = browser.at(deploy(store, { schema: altering }).sess)
    expect(await read.see()).toEqual({ cart: ['emma'] })
    await read.visit((session) => (session['name'] = 'ada'))
    expect(await browser.see()).toEqual({ cart: ['emma', 'persuasion'], name: 'ada' })
  })

  test('hides a key of which the schema makes what a session cannot hold', async () => {
    const store = new CountedStore()
    const browser = new Browser(deploy(store).sess)
    await browser.visit((session) => Object.assign(session, { at: '2030-01-01', name: 'ada' }))
    const { sess, errors } = deploy(store, { schema: z.object({ at: z.coerce.date(), name: z.string() }).partial() })
    expect(await browser.at(sess).see()).toEqual({ name: 'ada' })
    expect(errors).toMatchObject([{ code: 'INVALID_VALUE', message: expect.stringMatching(/^session\["at"\] /) }])
  })

  test('stops telling onError at a hundred keys, which a visitor may have named', async () => {
    const store = new CountedStore()
    const browser = new Browser(deploy(store).sess)
    const keys = [...Array(150).keys()].map((key) => [`key ${key}`, 'a text'])
    await browser.visit((session) => Object.assign(session, Object.fromEntries(keys)))
    const { sess, errors } = deploy(store, { schema: z.record(z.string(), z.number()) })
    await browser.at(sess).see()
    expect(errors).toHaveLength(100)
  })
})

describe('the option schema, beside the option owner', () => {
  const stringId = z.object({ userId: z.coerce.string(), name: z.string().optional() }).partial()

  test('refuses a default for the user at start', () => {
    const schema = z.object({ userId: z.string().default('guest') })
    expect(thrownBy(() => deploy(new CountedStore(), { schema, owner: 'userId' })).code).toBe('INVALID_OPTION')
  })

  test('lets nobody be logged in as a user whose list does not have the session', async () => {
    const store = new CountedStore()
    const before = deploy(store, { owner: 'userId' })
    const browser = new Browser(before.sess)
    await browser.visit((session) => (session['userId'] = 7))
    const { sess, errors } = deploy(store, { schema: stringId, owner: 'userId' })
    expect(await browser.at(sess).see()).toEqual({})
    expect(errors).toMatchObject([{ code: 'INVALID_VALUE', message: expect.stringMatching(/^session\["userId"\] /) }])
    expect(await before.sess.owner(7).revoke()).toBe(1)
  })

  test('takes a login with the id that the schema leaves as it is, and refuses another', async () => {
    const { sess } = deploy(new CountedStore(), { schema: stringId, owner: 'userId' })
    const browser = new Browser(sess)
    expect(await codeOf(browser.visit((session) => (session['userId'] = 7)))).toBe('INVALID_VALUE')
    await browser.visit((session) => (session['userId'] = '7'))
    expect(await browser.see()).toEqual({ userId: '7' })
    expect(await sess.owner('7').revoke()).toBe(1)
  })
})
