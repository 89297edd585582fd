import { readFileSync } from 'node:fs'
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

/** The tests set the clock: a file says how many milliseconds it is ahead. */
const ahead = process.env.AHEAD_FILE
const clock = ahead === undefined ? Date.now : () => Date.now() + Number(readFileSync(ahead, 'utf8'))

const options = { secret: process.env.SESSION_SECRET, clock }

const stored: Sessions<Visitor> =
  process.env.STORE === 'redis'
    ? sessions(redis, { ...options, url: process.env.REDIS_URL })
    : sessions(cookie, options)

export const sess = nextSessions(stored)
