import { sessions } from '../packages/core/src/application/sessions.js'
import type { Sessions } from '../packages/core/src/application/types.js'
import memory from '@sess/adapter-memory'
import { z } from 'zod'
import * as v from 'valibot'
import { type } from 'arktype'
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(isSame: Same<A, B>): void
declare const secret: string
const Z = z.object({ userId: z.number(), visits: z.number().default(0), cart: z.array(z.string()) }).partial()
const s1 = sessions('memory', { secret, schema: Z, owner: 'userId' })
type D1 = typeof s1 extends Sessions<infer D> ? D : never
same<D1, z.output<typeof Z>>(true)
const s2 = sessions(memory, { secret, schema: v.object({ userId: v.number() }), owner: 'userId', maxEntries: 5 })
same<typeof s2, Sessions<{ userId: number }>>(true)
const s3 = sessions({ secret, schema: type({ 'userId?': 'number', name: 'string' }), owner: 'userId' })
same<typeof s3, Sessions<{ userId?: number, name: string }>>(true)
declare const on: boolean
const s4 = sessions(on && 'memory', { secret, schema: Z })
const s4d: Sessions<z.output<typeof Z>> = s4
const s5 = sessions(false, { secret, schema: Z })
const ann: Sessions<{ userId: number; visits: number; cart: string[] }> = sessions('memory', { secret, schema: Z, owner: 'userId' })
const ann2: Sessions<{ userId?: number; visits?: number; cart?: string[] }> = sessions('memory', { secret, schema: Z, owner: 'userId', maxEntries: 3 })
const none = sessions('memory', { secret })
same<typeof none, Sessions>(true)
// errors below
// 1 owner
sessions('memory', { secret, schema: Z, owner: 'cart' })
// 2 disagree
const bad: Sessions<{ userId: string }> = sessions('memory', { secret, schema: Z })
// 3 date
sessions('memory', { secret, schema: z.object({ when: z.date() }) })
// 4 reserved
sessions('memory', { secret, schema: z.object({ save: z.string() }) })
// 5 not object
sessions('memory', { secret, schema: z.string() })
// 6 transform
sessions('memory', { secret, schema: z.object({ n: z.string().transform(Number) }) })
// 7 not a schema
sessions('memory', { secret, schema: { userId: 'number' } })
// 8 cookie no name
sessions({ secret, schema: z.object({ when: z.date() }) })
// 9 option misspelt
sessions('memory', { secret, schema: Z, maxEntriez: 4 })
// 10 missing key in annotation
const bad2: Sessions<{ userId: number; other: string; visits: number; cart: string[] }> = sessions('memory', { secret, schema: Z })
const off: Sessions<z.output<typeof Z>> = sessions(false, { secret, url: 'x', schema: Z })
const s5x = sessions(false, { secret, url: 'x', schema: Z })
same<typeof s5x, Sessions<z.output<typeof Z>>>(true)
sessions(false, { secret, url: 'x'})
sessions('memory', { secret, schema: z.object({ n: z.coerce.number(), b: z.string().brand<'U'>(), c: z.array(z.string()).readonly(), d: z.number().default(3) }) })
import type { CoreOptions } from '../packages/core/src/application/types.js'
declare const opts: CoreOptions
sessions('memory', opts)
sessions({ ...opts })
const w = <T extends { a?: string }>(o: Partial<CoreOptions>) => sessions('memory', { secret, ...o })
const exp = sessions<{ userId?: number; visits?: number; cart?: string[] }>('memory', { secret, schema: Z })
sessions('memory', { secret, schema: z.looseObject({ userId: z.number() }), owner: 'userId' })
sessions('memory', { secret, schema: z.record(z.string(), z.json()) })
sessions('memory', { secret, schema: z.discriminatedUnion('k', [z.object({k: z.literal('a'), x: z.number()}), z.object({k: z.literal('b')})]) })
sessions('memory', { secret, schema: v.partial(v.object({ when: v.date() })) })
sessions('memory', { secret, schema: type({ 'when?': 'Date' }) })
