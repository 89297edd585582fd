// What browsers ask of a server whose sessions have owners. It runs in the process of the tests, and in processes of its own.
import { isSessError } from '@sess/core/adapter'

/**
 * @typedef {'login' | 'begin' | 'move' | 'change' | 'move and change' | 'logout' | 'look' | 'revoke all' | 'revoke others' | 'revoke one' | 'list'} Action
 *
 * @typedef {object} Request
 * @property {Action} action
 * @property {string} [cookie]
 * @property {string} [user] who logs in, or whose sessions are listed or revoked
 * @property {string} [device] which login it is
 * @property {string} [id] of the session to revoke
 *
 * @typedef {object} Answer
 * @property {string} code `'ok'`, or that of the error that the request was answered with
 * @property {string} [cookie] the cookie that is set; `''`: the cookie is cleared
 * @property {Readonly<Record<string, unknown>>} data what the session held when it was opened
 * @property {string} [id] of the session
 * @property {number} [count] of the sessions that were revoked
 * @property {readonly unknown[]} [devices] that are listed
 *
 * @typedef {import('@sess/core').Sessions} Sessions
 * @typedef {import('@sess/core').Session<import('@sess/core').AnyData>} Session
 * @typedef {Omit<Answer, 'code' | 'data' | 'cookie'>} Outcome
 */

/** @param {Request} request */
const userOf = ({ user = '' }) => user

/** @type {Readonly<Record<Action, (session: Session, request: Request, sess: Sessions) => Outcome | Promise<Outcome>>>} */
const actions = {
  login(session, { user, device }) {
    Object.assign(session, { user, device })
    return {}
  },
  begin(session) {
    session['cart'] = 'emma'
    return {}
  },
  move(session) {
    session.regenerate()
    return {}
  },
  change(session) {
    session.update('changes', (changes) => Number(changes ?? 0) + 1)
    return {}
  },
  'move and change'(session) {
    session.update('changes', (changes) => Number(changes ?? 0) + 1)
    session.regenerate()
    return {}
  },
  logout(session) {
    session.destroy()
    return {}
  },
  look: () => ({}),
  'revoke all': async (_, request, sess) => ({ count: await sess.owner(userOf(request)).revoke() }),
  'revoke others': async (session, request, sess) => ({
    count: await sess.owner(userOf(request)).revoke({ except: session }),
  }),
  'revoke one': async (_, request, sess) => ({
    count: await sess.owner(userOf(request)).revoke({ id: request.id ?? '' }),
  }),
  list: async (_, request, sess) => ({
    devices: (await sess.owner(userOf(request)).sessions()).map(({ data }) => data['device']),
  }),
}

/**
 * Answers a request. `onOpen` is called when it has opened its session.
 *
 * @param {Sessions} sess
 * @param {Request} request
 * @param {() => void} [onOpen]
 * @returns {Promise<Answer>}
 */
export async function answer(sess, request, onOpen) {
  /** @type {Record<string, unknown>} */
  let data = {}
  try {
    const exchange = sess.exchange(request.cookie)
    const session = await exchange.open()
    onOpen?.()
    data = { ...session }
    const outcome = await actions[request.action](session, request, sess)
    const [, line] = (await exchange.commit(200)).find(([name]) => name === 'set-cookie') ?? []
    const id = sess.id(session)
    return {
      code: 'ok',
      data,
      ...(id !== undefined && { id }),
      ...outcome,
      ...(line !== undefined && { cookie: cookieIn(line) }),
    }
  } catch (error) {
    if (isSessError(error)) return { code: error.code, data }
    throw error
  }
}

/** In the form of a `Cookie` header, or `''` if the line clears it. @param {string} line */
function cookieIn(line) {
  const [pair = '', ...attributes] = line.split('; ')
  return attributes.includes('Max-Age=0') ? '' : pair
}
