import type { Session } from '@sess/core'
import type { H3Event } from 'h3'

declare module 'h3' {
  interface H3EventContext {
    /** The request of the browser and its response, also in a request that a page makes while it is rendered. */
    browser: H3Event['node']
    session?: Session<Visitor>
  }
}

export async function openSession({ context }: H3Event): Promise<Session<Visitor>> {
  return (context.session = await sess.open(context.browser.req, context.browser.res))
}
