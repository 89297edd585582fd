import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { router } from './router.ts'
import { RequestSession } from './session.ts'

createHTTPServer({
  router,
  createContext: ({ req, res }) => ({ session: new RequestSession(req, res) }),
  // A call that fails stores nothing, also behind the 207 of a batch.
  onError: ({ ctx }) => ctx?.session.discard(),
}).listen(Number(process.env.PORT), '127.0.0.1')
