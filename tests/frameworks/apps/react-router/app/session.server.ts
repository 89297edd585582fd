import type { Session } from '@sess/core'
import { createContext, type MiddlewareFunction } from 'react-router'
import { sess, type Visitor } from './sess.server'

export const sessionContext = createContext<() => Promise<Session<Visitor>>>()

export const sessionMiddleware: MiddlewareFunction<Response> = ({ request, context }, next) => {
  const respond = sess.fetch((request) => {
    context.set(sessionContext, () => sess.open(request))
    return next()
  })
  return respond(request)
}
