import type { Session } from '@sess/core'
import handler, { createServerEntry } from '@tanstack/react-start/server-entry'
import { sess, type Visitor } from './lib/sess'

declare module '@tanstack/react-start' {
  interface Register {
    server: { requestContext: { session: () => Promise<Session<Visitor>> } }
  }
}

export default createServerEntry({
  fetch: sess.fetch((request) => handler.fetch(request, { context: { session: () => sess.open(request) } })),
})
