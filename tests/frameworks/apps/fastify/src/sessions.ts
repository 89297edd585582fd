import { sessions } from '@sess/core'

declare module '@sess/fastify' {
  interface Visitor {
    visits: number
    user: string
    notice: string
  }
}

export const sess =
  process.env.STORE === 'redis'
    ? sessions('redis', { secret: process.env.SESSION_SECRET, url: process.env.REDIS_URL })
    : sessions('cookie', { secret: process.env.SESSION_SECRET })
