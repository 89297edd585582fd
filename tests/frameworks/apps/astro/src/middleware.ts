import { defineMiddleware } from 'astro:middleware'
import { sess } from './lib/sess'

export const onRequest = defineMiddleware(({ request, locals }, next) => {
  // Astro.rewrite() comes here again, with another request and the same locals.
  if ('session' in locals) return next()
  const respond = sess.fetch((request) => {
    locals.session = () => sess.open(request)
    return next()
  })
  return respond(request)
})
