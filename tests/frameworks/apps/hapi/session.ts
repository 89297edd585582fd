import type { Plugin, Request } from '@hapi/hapi'
import { SessError, type Session } from '@sess/core'
import { sess, type Visitor } from './sess.ts'

declare module '@hapi/hapi' {
  interface Request {
    session(): Promise<Session<Visitor>>
  }
  interface PluginsStates {
    session?: Session<Visitor>
  }
}

export const session: Plugin<void> = {
  name: 'session',
  register(server) {
    server.decorate('request', 'session', async function (this: Request) {
      return (this.plugins.session = await sess.open(this.raw.req, this.raw.res))
    })
    // A request that fails stores nothing, whatever the status of its error is.
    server.ext('onPreResponse', ({ plugins, response }, h) => {
      if (!('isBoom' in response)) return h.continue
      if (plugins.session !== undefined) sess.discard(plugins.session)
      // 503 if the store is down, 409 if another request was first. Otherwise Hapi answers 500.
      if (response instanceof SessError) {
        response.output.statusCode = response.status
        response.reformat()
      }
      return h.continue
    })
    server.ext('onPostStop', () => sess.close())
  },
}
