import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { sessions } from '@sess/core'
import { parseCookie } from 'cookie'
import expressSession from 'express-session'
import { SECRET, SESSION } from './session.js'

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {Partial<typeof SESSION>} Data
 *
 * @typedef {object} Contestant
 * @property {(request: Request, response: Response) => unknown} [start] Answers with the cookie of a session that holds SESSION.
 * @property {(request: Request, response: Response) => unknown} handle What is measured.
 */

/**
 * The same answer from everybody.
 *
 * @param {Response} response
 * @param {number | undefined} visits
 */
function answer(response, visits) {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ visits }))
}

/** @returns {Contestant} */
function bare() {
  return { handle: (_request, response) => answer(response, SESSION.visits) }
}

/**
 * What one would write without a library: parses the cookie, verifies its HMAC, and parses the session.
 *
 * @returns {Contestant}
 */
function byHand() {
  /** @type {Map<string, string>} */
  const rows = new Map()
  return {
    start(_request, response) {
      const id = randomBytes(32).toString('base64url')
      rows.set(id, JSON.stringify(SESSION))
      response.setHeader('set-cookie', `sess=${id}.${macOf(id).toString('base64url')}`)
      answer(response, SESSION.visits)
    },
    handle(request, response) {
      const [id = '', given = ''] = parseCookie(request.headers.cookie ?? '')['sess']?.split('.') ?? []
      const expected = macOf(id)
      const mac = Buffer.from(given, 'base64url')
      const row = mac.length === expected.length && timingSafeEqual(mac, expected) ? rows.get(id) : undefined
      /** @type {Data} */
      const session = row === undefined ? {} : JSON.parse(row)
      answer(response, session.visits)
    },
  }
}

/**
 * @param {(session: Data) => void} [use] Left out: the session is not opened.
 * @returns {Contestant}
 */
function sess(use) {
  /** @type {import('@sess/core').Sessions<Data>} */
  const sessionsOfData = sessions('memory', { secret: SECRET })
  return {
    async start(request, response) {
      Object.assign(await sessionsOfData.open(request, response), SESSION)
      answer(response, SESSION.visits)
    },
    ...bare(),
    ...(use && {
      async handle(request, response) {
        const session = await sessionsOfData.open(request, response)
        use(session)
        answer(response, session.visits)
      },
    }),
  }
}

/**
 * With its own MemoryStore, and the two options that its README recommends.
 *
 * @param {(session: Data) => void} use
 * @returns {Contestant}
 */
function express(use) {
  const middleware = expressSession({ secret: SECRET, resave: false, saveUninitialized: false })
  return {
    start(request, response) {
      middleware(request, response, () => {
        Object.assign(request.session, SESSION)
        answer(response, SESSION.visits)
      })
    },
    handle(request, response) {
      middleware(request, response, () => {
        use(request.session)
        answer(response, request.session.visits)
      })
    },
  }
}

/** @param {Data} session */
const read = (session) => session.visits

/** @param {Data} session */
const write = (session) => {
  session.visits = (session.visits ?? 0) === 17 ? 18 : 17
}

/** @type {Record<string, () => Contestant>} */
export const contestants = {
  'bare node:http': bare,
  'by hand, read': byHand,
  '@sess, not opened': () => sess(),
  '@sess, read': () => sess(read),
  '@sess, write': () => sess(write),
  'express-session, read': () => express(read),
  'express-session, write': () => express(write),
}

/** @param {string} id */
function macOf(id) {
  return createHmac('sha256', SECRET).update(id).digest()
}
