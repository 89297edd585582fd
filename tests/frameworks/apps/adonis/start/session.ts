import { HttpContext } from '@adonisjs/core/http'
import app from '@adonisjs/core/services/app'
import type { Session } from '@sess/core'
import { sess, type Visitor } from '#app/sess'

declare module '@adonisjs/core/http' {
  interface HttpContext {
    openSession(): Promise<Session<Visitor>>
    opened?: Session<Visitor>
  }
}

HttpContext.macro('openSession', async function (this: HttpContext) {
  return (this.opened = await sess.open(this.request.request, this.response.response))
})

app.terminating(() => sess.close())
