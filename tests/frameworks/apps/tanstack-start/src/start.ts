import { isNotFound } from '@tanstack/react-router'
import { createCsrfMiddleware, createMiddleware, createStart } from '@tanstack/react-start'
import { sess } from './lib/sess'

// The browser gets 200 from a server function that failed.
const discardOnFailure = createMiddleware({ type: 'function' }).server(async ({ next, context }) => {
  try {
    return await next()
  } catch (error) {
    // A redirect is a Response.
    const isFailure = error instanceof Response ? error.status >= 500 : !isNotFound(error)
    if (isFailure) sess.discard(await context.session())
    throw error
  }
})

export const startInstance = createStart(() => ({
  functionMiddleware: [discardOnFailure],
  // TanStack Start leaves this one away as soon as there is a start.ts.
  requestMiddleware: [createCsrfMiddleware({ filter: ({ handlerType }) => handlerType === 'serverFn' })],
}))
