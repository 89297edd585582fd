/**
 * For tests of applications.
 *
 * @module @sess/core/testing
 */
import type { Sessions } from './application/types.js'
import { SessError } from './error.js'
import { describe } from './options/check.js'
import type { Data } from './session/session.js'
import type { Storable } from './session/storable.js'

/**
 * Stores a session that holds `data`, and resolves with the `Cookie` header of a client that has it:
 *
 *     const cookie = await cookieFor(sess, { user: 'ada' })
 *     await fetch(url, { headers: { cookie } })
 *
 * The header goes with requests by plain http on this machine, as those of tests mostly are; with
 * `https: true`, with those that come by https or through a proxy. Each call begins a session of its own.
 *
 * Rejects with `INVALID_VALUE` where there is nothing to store, since such a session has no cookie, and
 * otherwise as a request would: with `DISABLED`, `RESERVED_KEY`, `TOO_LARGE`, `UNAVAILABLE`.
 */
export async function cookieFor<D extends Storable<D>>(
  sess: Sessions<D>,
  data: NoInfer<Data<D>>,
  on: { readonly https?: boolean } = {},
): Promise<string> {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new SessError(
      'INVALID_VALUE',
      `The data that cookieFor was given is ${describe(data)}; expected an object, such as { user: 'ada' }.`,
    )
  }
  const exchange = sess.exchange(undefined, { https: on.https ?? false })
  Object.assign(await exchange.open(), data)
  const setCookie = (await exchange.commit(200)).find(([name]) => name === 'set-cookie')
  const [cookie] = setCookie?.[1].split(';') ?? []
  if (cookie !== undefined) return cookie
  throw new SessError(
    'INVALID_VALUE',
    'A session that holds nothing is not stored and has no cookie: give cookieFor data to store.',
  )
}
