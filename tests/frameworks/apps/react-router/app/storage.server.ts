import { randomBytes } from 'node:crypto'
import { openStore } from '@sess/core/adapter'
import { createSessionStorage } from 'react-router'

const MAX_AGE = 86_400 // seconds

const secret = process.env.SESSION_SECRET
if (secret === undefined) throw new Error('SESSION_SECRET is not set.')

const store = openStore('redis', { url: process.env.REDIS_URL })

const entry = (data: object, expires = new Date(Date.now() + MAX_AGE * 1000)) => ({
  data: JSON.stringify(data),
  expiresAt: expires.getTime(),
})

export const { getSession, commitSession, destroySession } = createSessionStorage<{ count: number }>({
  cookie: {
    name: '__session',
    secrets: [secret],
    httpOnly: true,
    sameSite: 'lax',
    secure: process.env.NODE_ENV === 'production',
    maxAge: MAX_AGE,
  },
  async createData(data, expires) {
    const id = randomBytes(32).toString('base64url')
    await store.create(id, entry(data, expires))
    return id
  },
  async readData(id) {
    const stored = await store.read(id)
    return stored && JSON.parse(stored.data)
  },
  async updateData(id, data, expires) {
    // Not if it was destroyed in the meantime: a request under way must not bring it back.
    await store.swap(id, (stored) => (stored === null ? undefined : entry(data, expires)))
  },
  async deleteData(id) {
    await store.destroy(id)
  },
})
