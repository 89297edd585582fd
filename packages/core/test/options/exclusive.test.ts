import { exclusive } from '@sess/core/adapter'
import { expect, it } from 'vitest'

interface Options {
  readonly pool?: object | undefined
  readonly url?: string | undefined
  readonly connections?: number | undefined
}

const check = (options: Options) => exclusive('db', options, ['pool'], ['url', 'connections'])

it.each<[Options]>([
  [{}],
  [{ pool: {} }],
  [{ url: 'db://host', connections: 1 }],
  [{ pool: {}, connections: undefined }],
])('takes options of one group: %j', (options) => {
  expect(() => check(options)).not.toThrow()
})

it.each<[Options, string]>([
  [
    { pool: {}, url: 'db://host' },
    'Option db.url is a string of 9 characters; expected nothing, because db.pool is set.',
  ],
  [{ pool: {}, connections: 1 }, 'Option db.connections is 1; expected nothing, because db.pool is set.'],
])('refuses options of two groups, and names one of each: %j', (options, message) => {
  expect(() => check(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }))
})
