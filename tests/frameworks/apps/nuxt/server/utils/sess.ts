import cookie from '@sess/adapter-cookie'
import redis from '@sess/adapter-redis'
import { sessions, type Sessions } from '@sess/core'

export interface Visitor {
  visits: number
  user: string
  notice: string
}

export const sess: Sessions<Visitor> =
  process.env.STORE === 'redis'
    ? sessions(redis, { secret: process.env.SESSION_SECRET, url: process.env.REDIS_URL })
    : sessions(cookie, { secret: process.env.SESSION_SECRET })
