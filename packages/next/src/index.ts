/**
 * Sessions for the App Router of Next: `nextSessions(sess)` gives server components, server actions, route handlers and the
 * proxy the session of their request.
 *
 * @module @sess/next
 */
export { nextSessions } from './next-sessions.js'
export type { NextSessions, ProxyHandler } from './types.js'
