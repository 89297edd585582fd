import { sessions, type Sessions } from '@sess/core'

export interface Visitor {
  visits: number
  user: string
  notice: string
}

const secret = process.env.SESSION_SECRET

export const sess: Sessions<Visitor> =
  process.env.STORE === 'redis'
    ? sessions('redis', { secret, url: process.env.REDIS_URL })
    : sessions('cookie', { secret })
