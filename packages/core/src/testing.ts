/**
 * Helpers for the tests of applications.
 *
 * @module @sess/core/testing
 */
import type { Sessions } from './application/types.js'
import { SessError } from './error.js'
import { describe } from './options/check.js'
import type { Data } from './session/session.js'
import type { Storable } from './session/storable.js'

/**
 * Stores a new session with `data`, and resolves with the `Cookie` header of a client that has this session:
 *
 *     const cookie = await cookieFor(sess, { user: 'ada' })
 *     await fetch(url, { headers: { cookie } })
 *
 * The header works for requests over plain http on this machine, which is what most tests send. With `https: true`, it
 * works for requests over https or through a proxy. Each call makes a separate session.
 *
 * Rejects with `INVALID_VALUE` if there is nothing to store, since an empty session has no cookie. Otherwise rejects as
 * a request would: with `DISABLED`, `RESERVED_KEY`, `TOO_LARGE` or `UNAVAILABLE`.
 */
export async function cookieFor<D extends Storable<D>>(
  sess: Sessions<D>,
  data: NoInfer<Data<D>>,
  on: { readonly https?: boolean } = {},
): Promise<string> {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new SessError(
      'INVALID_VALUE',
      `The data passed to cookieFor is ${describe(data)}; expected an object, such as { user: 'ada' }.`,
    )
  }
  const exchange = sess.exchange(undefined, { https: on.https ?? false })
  Object.assign(await exchange.open(), data)
  const setCookie = (await exchange.commit(200)).find(([name]) => name === 'set-cookie')
  const [cookie] = setCookie?.[1].split(';') ?? []
  if (cookie !== undefined) return cookie
  throw new SessError(
    'INVALID_VALUE',
    'An empty session is not stored and has no cookie: give cookieFor data to store.',
  )
}
