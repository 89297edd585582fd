import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { Sessions } from '@sess/core'
import { expressSession, sessionOf } from '@sess/express-session'
import flash from 'connect-flash'
import { ensureLoggedIn } from 'connect-ensure-login'
import { doubleCsrf } from 'csrf-csrf'
import { csrfSync } from 'csrf-sync'
import csurf from 'csurf'
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express'
import lusca from 'lusca'
import { type AuthenticateOptions, Passport } from 'passport'
import { Strategy as LocalStrategy } from 'passport-local'
import { Strategy as OAuth2Strategy, type VerifyCallback } from 'passport-oauth2'

/** What the application itself keeps in a session. Its middleware keeps more. */
interface Data {
  cart: string[]
}

interface Origins {
  readonly provider: string
  readonly self: string
}

const PASSWORDS: Readonly<Record<string, string>> = { ada: 'lovelace', alan: 'turing' }

/** An application of Express whose middleware was written for express-session, over the sessions of `@sess`. */
export class PassportApplication {
  readonly #sess: Sessions
  readonly #server: Server

  static async start(sess: Sessions, provider: string): Promise<PassportApplication> {
    const app = express()
    const server = createServer(app)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    routes(app, sess, { provider, self: addressOf(server) })
    return new PassportApplication(sess, server)
  }

  private constructor(sess: Sessions, server: Server) {
    this.#sess = sess
    this.#server = server
  }

  get origin(): string {
    return addressOf(this.#server)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await this.#sess.close()
  }
}

export function addressOf(server: Server): string {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen')
  return `http://127.0.0.1:${address.port}`
}

function routes(app: Express, sess: Sessions, origins: Origins): void {
  const passport = passportOf(origins)
  app.use(expressSession(sess), express.urlencoded({ extended: false }), flash())
  app.use(passport.initialize(), passport.session())

  app.get('/', (req, res) => {
    const { cart } = sessionOf<Data>(req)
    res.json({ user: req.user ?? null, cart: cart ?? null, id: req.sessionID })
  })
  app.post('/cart', (req, res) => {
    const session = sessionOf<Data>(req)
    session.cart = [...(session.cart ?? []), String(Reflect.get(Object(req.body), 'item'))]
    res.redirect('/')
  })
  app.get('/flash', (req, res) => {
    res.json(req.flash())
  })
  app.get('/account', ensureLoggedIn('/login'), (req, res) => {
    res.json({ account: req.user })
  })

  const failing = { failureRedirect: '/login', failureFlash: true, successFlash: 'welcome' } as const
  app.post('/login', passport.authenticate('local', { ...failing, successRedirect: '/' }))
  app.post(
    '/login-and-return',
    passport.authenticate('local', { ...failing, successReturnToOrRedirect: '/', keepSessionInfo: true }),
  )
  app.post('/logout', (req, res, next) => {
    req.logout((error: unknown) => (error === undefined || error === null ? res.redirect('/') : next(error)))
  })
  app.get('/oauth', passport.authenticate('oauth2'))
  app.get('/oauth/callback', passport.authenticate('oauth2', { successRedirect: '/', failureRedirect: '/refused' }))

  for (const [name, router] of Object.entries(forgery())) app.use(`/${name}`, router)
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    const status: unknown = Reflect.get(Object(error), 'status')
    // lusca sets the status of the response.
    if (typeof status === 'number') res.status(status)
    else if (res.statusCode < 400) res.status(500)
    res.send(String(error))
  })
}

/** What is used of Passport, whose own types leave open what its middleware is. */
interface Guards {
  initialize(): RequestHandler
  session(): RequestHandler
  authenticate(strategy: string, options?: AuthenticateOptions): RequestHandler
}

function passportOf({ provider, self }: Origins): Guards {
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  passport.use(
    new LocalStrategy((name, password, done) =>
      PASSWORDS[name] === password ? done(null, { name }) : done(null, false, { message: 'wrong password' }),
    ),
  )
  const settings = {
    authorizationURL: `${provider}/authorize`,
    tokenURL: `${provider}/token`,
    clientID: 'application',
    clientSecret: 'secret',
    callbackURL: `${self}/oauth/callback`,
    state: true,
    pkce: true,
  }
  passport.use(new OAuth2Strategy(settings, verify))
  return passport
}

function verify(token: string, _refresh: string, _profile: unknown, done: VerifyCallback): void {
  done(null, { name: token })
}

/** Each library of CSRF tokens: `GET /token` says the token, and `POST /` wants it in the field `_csrf`. */
function forgery(): Readonly<Record<string, Router>> {
  const sync = csrfSync({ getTokenFromRequest: fieldOf })
  const double = doubleCsrf({
    getSecret: () => 'a secret of the application',
    getSessionIdentifier: (req) => sessionOf(req).id,
    getCsrfTokenFromRequest: fieldOf,
    cookieName: 'double',
    cookieOptions: { secure: false },
  })
  return {
    csurf: guarded(csurf()).get('/token', (req, res) => {
      res.send(req.csrfToken?.())
    }),
    lusca: guarded(lusca.csrf()).get('/token', (_req, res) => {
      res.send(res.locals['_csrf'])
    }),
    'csrf-sync': guarded(sync.csrfSynchronisedProtection).get('/token', (req, res) => {
      res.send(sync.generateToken(req))
    }),
    'csrf-csrf': guarded(parseCookies, double.doubleCsrfProtection).get('/token', (req, res) => {
      // The id of a session that is not stored is another one in the next request.
      sessionOf<Data>(req).cart ??= []
      res.send(double.generateCsrfToken(req, res))
    }),
  }
}

function fieldOf(req: Request): string {
  return String(Reflect.get(Object(req.body), '_csrf'))
}

function guarded(...guards: readonly RequestHandler[]): Router {
  const router = Router()
  for (const guard of guards) router.use(guard)
  return router.post('/', (_req, res) => {
    res.send('accepted')
  })
}

/** The names of the libraries of CSRF tokens that the application has. */
export const FORGERY: readonly string[] = Object.keys(forgery())

function parseCookies(req: Request, _res: Response, next: NextFunction): void {
  const pairs = (req.headers.cookie ?? '').split('; ').map((pair) => pair.split('='))
  req.cookies = Object.fromEntries(pairs.map(([name = '', ...value]) => [name, decodeURIComponent(value.join('='))]))
  next()
}
