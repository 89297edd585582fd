// The least that a session costs on each store, as you would write it by hand on node:http: parse the cookie, verify
// its HMAC, fetch the row with the bare client, parse the JSON. A write stores the whole row, whatever other requests
// have changed. Nothing times out, merges, rotates or is refused.
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { parseCookie, stringifySetCookie } from 'cookie'
import { Redis } from 'ioredis'
import Memcached from 'memcached'
import { SECRET } from '../session.js'

const TTL_SECONDS = 24 * 60 * 60

/** @param {import('node:http').ServerResponse} response @param {string} value */
function setCookie(response, value) {
  const attributes = { path: '/', httpOnly: true, secure: true, sameSite: 'lax' }
  response.setHeader('set-cookie', stringifySetCookie({ name: 'limit', value, ...attributes }))
}

/** @param {import('node:http').IncomingMessage} request */
const cookieOf = (request) => parseCookie(request.headers.cookie ?? '')['limit'] ?? ''

const GCM = { authTagLength: 16 }

/** @param {string | Buffer} id */
const macOf = (id) => createHmac('sha256', SECRET).update(id).digest()

/** @param {import('node:http').IncomingMessage} request */
function idOf(request) {
  const [id = '', given = ''] = cookieOf(request).split('.')
  const [mac, expected] = [Buffer.from(given, 'base64url'), macOf(id)]
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) throw new Error('The HMAC is wrong.')
  return id
}

/**
 * @typedef {object} Rows
 * @property {(id: string) => unknown} get JSON, or a promise of it
 * @property {(id: string, json: string) => unknown} put replaces a row
 * @property {(id: string, json: string) => unknown} add inserts a row
 */

/** @param {Rows} rows @param {object} data @returns {import('./frameworks.js').Use} */
function byHand(rows, data) {
  return {
    read: async (request) => JSON.parse(await rows.get(idOf(request))).visits,
    async write(request) {
      const id = idOf(request)
      const session = JSON.parse(await rows.get(id))
      session.visits += 1
      await rows.put(id, JSON.stringify(session))
      return session.visits
    },
    async login(_request, response) {
      const id = randomBytes(32).toString('base64url')
      await rows.add(id, JSON.stringify(data))
      setCookie(response, `${id}.${macOf(id).toString('base64url')}`)
      return data.visits
    },
  }
}

/** @param {object} session */
function seal(session) {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', macOf(salt), nonce, GCM)
  const text = cipher.update(JSON.stringify(session), 'utf8')
  return Buffer.concat([salt, nonce, text, cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/** @param {string} token */
function unseal(token) {
  const bytes = Buffer.from(token, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', macOf(bytes.subarray(0, 16)), bytes.subarray(16, 28), GCM)
  decipher.setAuthTag(bytes.subarray(-16))
  return JSON.parse(decipher.update(bytes.subarray(28, -16), undefined, 'utf8') + decipher.final('utf8'))
}

/** @type {Record<string, import('./index.js').Start>} */
export const limits = {
  redis({ place, session }) {
    const client = new Redis(place.url, { keyPrefix: 'limit:' })
    const set = (id, json) => client.set(id, json, 'EX', TTL_SECONDS)
    return byHand({ get: (id) => client.get(id), put: set, add: set }, session)
  },

  memcache({ place, session }) {
    const client = new Memcached(place.address, { poolSize: 64 })
    const get = promisify(client.get).bind(client)
    const set = promisify(client.set).bind(client)
    const put = (id, json) => set(id, json, TTL_SECONDS)
    return byHand({ get, put, add: put }, session)
  },

  sqlite({ place, session }) {
    const database = new Database(place.file('limit'))
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
    database.exec(`CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, json TEXT NOT NULL, expires_at INTEGER NOT NULL);
      CREATE INDEX expiry ON sessions (expires_at)`)
    const select = database.prepare('SELECT json FROM sessions WHERE id = ?').pluck()
    const update = database.prepare('UPDATE sessions SET json = ? WHERE id = ?')
    const insert = database.prepare('INSERT INTO sessions VALUES (?, ?, ?)')
    return byHand(
      {
        get: (id) => select.get(id),
        put: (id, json) => update.run(json, id),
        add: (id, json) => insert.run(id, json, Date.now() + TTL_SECONDS * 1000),
      },
      session,
    )
  },

  memory({ session }) {
    const rows = new Map()
    const set = (id, json) => rows.set(id, json)
    return byHand({ get: (id) => rows.get(id), put: set, add: set }, session)
  },

  /** AES-256-GCM with a separate key for each token: the HMAC-SHA-256 of 16 random bytes. */
  cookie({ session: data }) {
    return {
      read: (request) => unseal(cookieOf(request)).visits,
      write(request, response) {
        const session = unseal(cookieOf(request))
        session.visits += 1
        setCookie(response, seal(session))
        return session.visits
      },
      login(_request, response) {
        setCookie(response, seal(data))
        return data.visits
      },
    }
  },
}
