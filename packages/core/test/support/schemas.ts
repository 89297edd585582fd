import type { StandardSchema } from '@sess/core'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'

/** The same schemas, written with one library. */
export interface Schemas {
  /** `userId`: a number; `name`: a text; `cart`: objects with a `title`. Each may be missing. */
  readonly shop: StandardSchema
  /** The same keys, each required. */
  readonly required: StandardSchema
  /** `name`: a text; `userId`: a number. Refuses any other key. */
  readonly strict: StandardSchema
  /** `name`: a text. Leaves out any other key. */
  readonly stripping: StandardSchema
  /** `visits`: a number, or a text that becomes one; `name`: a text that is trimmed. */
  readonly reading: StandardSchema
  /** `list`: numbers, or texts that become numbers; `name`: a text. */
  readonly lists: StandardSchema
  /** `visits`: a number of at most 2. */
  readonly limited: StandardSchema
  /** `visits`: a number, by default 0. */
  readonly defaulting: StandardSchema
  /** `from` and `to`: numbers, of which the first is not the larger one; the issue names neither. `at`: a number. */
  readonly together: StandardSchema
  /** `name`: a text that a function makes JSON of, which throws for anything else; `userId`: a number. */
  readonly throwing: StandardSchema
}

const inOrder = ({ from, to }: { from?: number | undefined; to?: number | undefined }): boolean =>
  from === undefined || to === undefined || from <= to

const unquoted = (text: string): string => String(JSON.parse(text))

const titled = z.object({ title: z.string() })
const vTitled = v.object({ title: v.string() })

export const LIBRARIES: readonly (readonly [library: string, schemas: Schemas])[] = [
  [
    'Zod',
    {
      shop: z.object({ userId: z.number(), name: z.string(), cart: z.array(titled) }).partial(),
      required: z.object({ userId: z.number(), name: z.string(), cart: z.array(titled) }),
      strict: z.strictObject({ name: z.string(), userId: z.number() }).partial(),
      stripping: z.object({ name: z.string().optional() }),
      reading: z.object({ visits: z.coerce.number(), name: z.string().trim() }).partial(),
      lists: z.object({ list: z.array(z.coerce.number()), name: z.string() }).partial(),
      limited: z.object({ visits: z.number().max(2) }).partial(),
      defaulting: z.object({ visits: z.number().default(0) }),
      together: z.object({ from: z.number(), to: z.number(), at: z.number() }).partial().refine(inOrder),
      throwing: z.object({ name: z.string().transform(unquoted), userId: z.number() }).partial(),
    },
  ],
  [
    'Valibot',
    {
      shop: v.partial(v.object({ userId: v.number(), name: v.string(), cart: v.array(vTitled) })),
      required: v.object({ userId: v.number(), name: v.string(), cart: v.array(vTitled) }),
      strict: v.strictObject({ name: v.optional(v.string()), userId: v.optional(v.number()) }),
      stripping: v.object({ name: v.optional(v.string()) }),
      reading: v.partial(
        v.object({
          visits: v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.number()),
          name: v.pipe(v.string(), v.trim()),
        }),
      ),
      lists: v.partial(
        v.object({
          list: v.array(v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.number())),
          name: v.string(),
        }),
      ),
      limited: v.partial(v.object({ visits: v.pipe(v.number(), v.maxValue(2)) })),
      defaulting: v.object({ visits: v.optional(v.number(), 0) }),
      together: v.pipe(v.partial(v.object({ from: v.number(), to: v.number(), at: v.number() })), v.check(inOrder)),
      throwing: v.partial(v.object({ name: v.pipe(v.string(), v.transform(unquoted)), userId: v.number() })),
    },
  ],
  [
    'ArkType',
    {
      shop: type({ 'userId?': 'number', 'name?': 'string', 'cart?': type({ title: 'string' }).array() }),
      required: type({ userId: 'number', name: 'string', cart: type({ title: 'string' }).array() }),
      strict: type({ '+': 'reject', 'name?': 'string', 'userId?': 'number' }),
      stripping: type({ '+': 'delete', 'name?': 'string' }),
      reading: type({ 'visits?': 'string.numeric.parse | number', 'name?': 'string.trim' }),
      lists: type({ 'list?': type('string.numeric.parse | number').array(), 'name?': 'string' }),
      limited: type({ 'visits?': 'number <= 2' }),
      defaulting: type({ visits: 'number = 0' }),
      together: type({ 'from?': 'number', 'to?': 'number', 'at?': 'number' }).narrow(
        (it, ctx) => inOrder(it) || ctx.mustBe('in order'),
      ),
      throwing: type({ 'name?': type('string').pipe(unquoted), 'userId?': 'number' }),
    },
  ],
]
