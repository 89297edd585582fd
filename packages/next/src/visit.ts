import { type Exchange, type Session, SessError, type Sessions, type Storable } from '@sess/core'
import * as cache from 'next/cache.js'
import { type CookieJar, cookies, headers } from 'next/headers.js'
import { after } from 'next/server.js'
import { changesOf, requestWith, withCookies } from './request.js'

const PAGE =
  'A server component cannot change the session, because a page can send no cookie. Change it in a server action, a route ' +
  'handler or the proxy. The page of @sess about Next shows how a notice is shown once.'

const UNSAVED =
  'The session was changed and not stored, so the change is lost. Call `await session.save()` before the action or route ' +
  'handler ends and before redirect(), or wrap the function: sess.action(…), sess.route(…).'

/** What a request does with its session: what may change it is one visit, and what is rendered another. */
export class Visit<D extends Storable<D>> {
  readonly #open: () => Promise<Session<D>>
  /** How many wrappers are at work, one inside of the other. The outermost one stores. */
  depth: number
  isOpened = false

  constructor(open: () => Promise<Session<D>>, depth = 0) {
    this.#open = open
    this.depth = depth
  }

  open(): Promise<Session<D>> {
    this.isOpened = true
    return this.#open()
  }
}

/** Finds the visit that is under way. */
export class Visits<D extends Storable<D>> {
  readonly #sess: Sessions<D>
  /** Next has one jar for all that may set cookies in a request, and one for all that is rendered. */
  readonly #visits = new WeakMap<CookieJar, Visit<D>>()

  constructor(sess: Sessions<D>) {
    this.#sess = sess
  }

  async current(): Promise<Visit<D>> {
    const jar = await cookies()
    const sent = await headers()
    return this.#visits.get(jar) ?? this.#begin(jar, sent)
  }

  /** From now on, the session of what may set cookies in this request is the one that `open` opens. */
  begin(jar: CookieJar, open: () => Promise<Session<D>>): void {
    this.#visits.set(jar, new Visit(open, 1))
  }

  #begin(jar: CookieJar, sent: Headers): Visit<D> {
    const cookie = sent.get('cookie') ?? ''
    const request = requestWith(sent, withCookies(cookie, changesOf(cookie, jar)))
    const isRendered = isSealed(jar)
    const exchange = isRendered ? this.#toRender(request) : this.#toChange(request, jar)
    // No wrapper is the outermost one in what is rendered: it has nothing to store.
    const visit = new Visit(() => exchange.open(), isRendered ? 1 : 0)
    this.#visits.set(jar, visit)
    return visit
  }

  #toRender(request: Request): Exchange<D> {
    const exchange = this.#sess.exchange(request, { readOnly: PAGE })
    after(async () => {
      if (exchange.pending && !exchange.needsCookie) await exchange.commit(200)
    })
    return exchange
  }

  #toChange(request: Request, jar: CookieJar): Exchange<D> {
    const exchange = this.#sess.exchange(request, {
      onStored: (cookie) => (cookie === undefined ? refresh(jar, request) : jar.set(cookie)),
    })
    after(() => {
      if (exchange.changed) throw new SessError('SEALED', UNSAVED)
    })
    return exchange
  }
}

/** Where cookies cannot be set, Next has one function for every change of them, which throws. */
function isSealed(jar: CookieJar): boolean {
  const set: unknown = Reflect.get(jar, 'set')
  return set === Reflect.get(jar, 'delete')
}

/**
 * Next renders the page anew after an action that sets a cookie. What a store on a server changes needs no cookie, and the
 * page would go on showing what was. Outside of an action there is nothing to refresh.
 */
function refresh(jar: CookieJar, { headers: sent }: Request): void {
  if (!sent.has('next-action')) return
  if (cache.refresh !== undefined) cache.refresh()
  // Before Next 16, only a change of any cookie does it.
  else jar.delete('sess-refresh')
}
