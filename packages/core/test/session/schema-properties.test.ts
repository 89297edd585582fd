import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { deploy } from '../support/deploy.ts'
import { isNightly } from '../../../../scripts/nightly.js'

const RUNS = isNightly ? 5000 : 60

const KEYS = ['a', 'b', 'c', 'd', '__proto__'] as const

/** What a schema may say of a key. */
const PARTS = {
  number: z.number().optional(),
  text: z.string().optional(),
  required: z.string(),
  trimmed: z.string().trim().optional(),
  coerced: z.coerce.number().optional(),
  default: z.number().default(0),
  list: z.array(z.string()).optional(),
  throwing: z
    .string()
    .transform((text) => String(JSON.parse(text)))
    .optional(),
} as const

type Part = keyof typeof PARTS

const value = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.constantFrom('5', ' 5 ', '', '"quoted"', 'text'),
  fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 2 }),
  fc.dictionary(fc.string(), fc.integer(), { maxKeys: 2 }),
)
const values = fc.dictionary(fc.constantFrom(...KEYS), value, { noNullPrototype: true })
const parts = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom<Part>(...partNames()), { noNullPrototype: true })
const unknown = fc.constantFrom('refused', 'left out', 'kept')

function partNames(): Part[] {
  return Object.keys(PARTS).filter((name): name is Part => name in PARTS)
}

function schemaOf(chosen: Readonly<Record<string, Part>>, unknownKeys: string, more: object): unknown {
  const entries = Object.entries(chosen).map(([key, part]) => [key, PARTS[part]] as const)
  const shape = { ...Object.fromEntries(entries), ...more }
  if (unknownKeys === 'refused') return z.strictObject(shape)
  return unknownKeys === 'kept' ? z.looseObject(shape) : z.object(shape)
}

/** A browser whose session holds the values, and the store that it is in. */
async function holding(held: Readonly<Record<string, unknown>>): Promise<{ store: CountedStore; browser: Browser }> {
  const store = new CountedStore()
  const browser = new Browser(deploy(store).sess)
  await browser.visit((session) => {
    for (const [key, one] of Object.entries(held)) session.update(key, () => JSON.parse(JSON.stringify(one)))
  })
  store.take()
  return { store, browser }
}

test('a request that only reads stores nothing, whatever the schema', async () => {
  await fc.assert(
    fc.asyncProperty(values, parts, unknown, async (held, chosen, unknownKeys) => {
      const { store, browser } = await holding(held)
      await browser.at(deploy(store, { schema: schemaOf(chosen, unknownKeys, {}) }).sess).see()
      expect(store.take().filter((method) => method !== 'read')).toEqual([])
      expect(await browser.see()).toEqual(held)
    }),
    { numRuns: RUNS },
  )
})

test('a request that writes one key leaves the others as they are stored, whatever the schema', async () => {
  await fc.assert(
    fc.asyncProperty(values, parts, unknown, async (held, chosen, unknownKeys) => {
      const { store, browser } = await holding(held)
      const schema = schemaOf(chosen, unknownKeys, { written: z.number().optional() })
      const writer = browser.at(deploy(store, { schema }).sess)
      await writer.visit((session) => {
        // It has read everything first.
        void { ...session }
        session['written'] = 1
      })
      expect(await writer.at(deploy(store).sess).see()).toEqual({ ...held, written: 1 })
    }),
    { numRuns: RUNS },
  )
})
