import cookie from '@sess/adapter-cookie'
import redis from '@sess/adapter-redis'
import { sessions, type Sessions } from '@sess/core'
import { nextSessions } from '@sess/next'

interface Visitor {
  visits: number
  seen: number
  user: string
  notice: string
}

const stored: Sessions<Visitor> =
  process.env.STORE === 'redis'
    ? sessions(redis, {
        secret: process.env.SESSION_SECRET,
        url: process.env.REDIS_URL,
        // The tests say in a file how many milliseconds the clock is ahead.
        clock: () =>
          Date.now() + Number(process.getBuiltinModule('node:fs').readFileSync(process.env.AHEAD_FILE ?? '', 'utf8')),
      })
    : sessions(cookie, { secret: process.env.SESSION_SECRET })

export const sess = nextSessions(stored)
