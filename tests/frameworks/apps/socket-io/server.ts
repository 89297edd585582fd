import { createServer, type IncomingMessage } from 'node:http'
import { Server } from 'socket.io'
import { app } from './app.ts'
import { sess } from './sess.ts'

interface ToServer {
  say(text: string): void
  visit(answer: (text: string) => void): void
}

interface ToClient {
  said(text: string): void
}

const server = createServer(app)

const io = new Server<ToServer, ToClient, Record<string, never>, { user: string }>(server, {
  // The connection of its handshake is then the socket's own, for as long as the socket is open.
  transports: ['websocket'],
  allowRequest: (req, answer) => answer(null, isSameOrigin(req)),
})

io.use(async (socket, next) => {
  try {
    const [session, ended] = await Promise.all([sess.read(socket.request), sess.watch(socket.request)])
    // A signal that is aborted already calls no listener.
    if (session?.user === undefined || ended.aborted) return next(new Error('Log in first.'))
    socket.data.user = session.user
    ended.addEventListener('abort', () => socket.disconnect(true))
    next()
  } catch (error) {
    console.error(error)
    next(new Error('Try again later.'))
  }
})

io.on('connection', (socket) => {
  socket.on('say', (text) => io.emit('said', `${socket.data.user}: ${text}`))

  socket.on('visit', async (answer) => {
    const exchange = sess.exchange(socket.request)
    try {
      const session = await exchange.open()
      // Without a session there is nothing to count in: a socket cannot set the cookie of a new one.
      if (session.user === undefined) return answer('Log in first.')
      const visits = session.update('visits', (n = 0) => n + 1)
      await exchange.commit(200)
      answer(`Visit number ${visits}`)
    } catch (error) {
      console.error(error)
      answer('Send a request.')
    }
  })
})

/** Browsers let pages of any site open a socket, and send the page's origin. Without `Origin`, the client is not a browser. */
function isSameOrigin({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}

server.listen(Number(process.env.PORT), '127.0.0.1')
