/**
 * @typedef {(session: import('@sess/core').Session<import('@sess/core').AnyData>) => void} Use
 */

/**
 * Handles a request without HTTP. Resolves with the cookie that the browser has then.
 *
 * @param {import('@sess/core').Sessions} sess
 * @param {string | null} cookie
 * @param {Use} use
 */
export async function visit(sess, cookie, use) {
  const exchange = sess.exchange(cookie)
  use(await exchange.open())
  const line = (await exchange.commit(200)).find(([name]) => name === 'set-cookie')?.[1]
  return line?.split(';')[0] ?? cookie ?? ''
}

/** What a request does to a session that has the data of `sessionOf`. @type {Record<string, Use>} */
export const USES = {
  reads: (session) => void session['visits'],
  writes: (session) => void session.update('visits', (visits) => Number(visits) + 1),
  login(session) {
    session['userId'] = Math.random()
    session.regenerate()
  },
}
