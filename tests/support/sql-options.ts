import type { Adapter } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'
import { openUntyped } from './stores.ts'

export const PASSWORD = 'correct-horse-battery'

/** How the messages of a store on an SQL database describe its options. */
interface SqlOptionTexts {
  readonly name: string
  readonly adapter: Adapter<never>
  /** `mysql://` */
  readonly scheme: string
  /** Ends a message about the URL. */
  readonly example: string
  /** URLs that are wrong, and why. */
  readonly urls: readonly (readonly [url: string, wrong: string])[]
  readonly pool: string
  /** What the name of the table may be, and how long. */
  readonly table: string
  readonly longestTable: number
  /** Options that are wrong for this store alone, and the messages. */
  readonly others: readonly (readonly [options: unknown, message: string])[]
}

const text = (given: string) => `is a string of ${given.length} characters`

/** What is wrong in the options of any store on an SQL database, and the messages. */
function wrongOptions(texts: SqlOptionTexts): readonly (readonly [options: unknown, message: string])[] {
  const { name, scheme, example, urls, pool, table, longestTable, others } = texts
  const option = (wrong: string) => `Option ${name}${wrong}.`
  const tables = ['Sessions', 'x"; DROP TABLE y', 'x`; DROP TABLE y', 'x'.repeat(longestTable + 1)]
  const allUrls = [
    ...urls,
    [`${scheme}:${PASSWORD}@host:99999`, 'with a port from 1 to 65535'],
    [`${scheme}:${PASSWORD}/@host`, 'whose user and password are percent-encoded'],
  ] as const
  return [
    [name, option(` ${text(name)}; expected an object of options`)],
    [{ uri: '' }, option(`."uri" is not known; ${name} takes url, connections, pool, table, deadline, maxBytes`)],
    [{ url: 1234 }, option(`.url is 1234; expected a URL ${example}`)],
    ...allUrls.map(
      ([url, wrong]) => [{ url }, option(`.url ${text(url)}; expected a URL ${wrong}, ${example}`)] as const,
    ),
    [{ connections: 0 }, option('.connections is 0; expected an integer from 1 to 10000')],
    [{ pool: {} }, option(`.pool is an object; expected ${pool}`)],
    [{ pool: 'pool' }, option(`.pool ${text('pool')}; expected ${pool}`)],
    ...tables.map((given) => [{ table: given }, option(`.table ${text(given)}; expected ${table}`)] as const),
    [{ deadline: 2 ** 31 }, option('.deadline is 2147483648; expected an integer from 1 to 2147483647')],
    [{ maxBytes: 0 }, option('.maxBytes is 0; expected an integer from 1 to 268435456')],
    ...others,
  ]
}

/** Wrong options are refused, by messages that name the option and show no password. */
export function testSqlOptions(texts: SqlOptionTexts): void {
  describe('7.6 an option', () => {
    it.each(wrongOptions(texts))('that is wrong is refused: %j', (options, message) => {
      expect(() => openUntyped(texts.adapter, options)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message }),
      )
    })
  })
}
