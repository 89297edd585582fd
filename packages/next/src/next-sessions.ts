import type { Session, Sessions, Storable } from '@sess/core'
import { assertSessions } from '@sess/core/adapter'
import { act } from './action.js'
import { pass } from './proxy.js'
import { answer } from './route.js'
import type { NextSessions } from './types.js'
import { Visits } from './visit.js'

/**
 * The sessions of an application of Next. `sess` is what `sessions` returned; call this once, in a module that actions,
 * handlers and components import. Throws `INVALID_OPTION` for anything else.
 */
export function nextSessions<D extends Storable<D>>(sess: Sessions<D>): NextSessions<D> {
  assertSessions(sess, 'The argument of nextSessions()', 'nextSessions(sessions(redis, { secret, url }))')
  const visits = new Visits(sess)
  const current = async (): Promise<Session<D>> => (await visits.current()).open()
  const open = async (request: Request): Promise<void> => void (await sess.open(request))
  const ofNext: Pick<NextSessions<D>, 'action' | 'route' | 'proxy'> = {
    action:
      (action) =>
      (...args) =>
        act(sess, visits, () => action(...args)),
    route:
      (handler) =>
      (request, ...rest) =>
        answer(sess, visits, request, () => handler(request, ...rest)),
    proxy:
      (handler = open) =>
      (request, event) =>
        pass(sess, visits, request, async () => handler(request, event)),
  }
  return Object.assign(current, ofNext, methodsOf(sess))
}

/** The methods of sessions, for another object. */
function methodsOf<D extends Storable<D>>(sess: Sessions<D>): Sessions<D> {
  return {
    open: sess.open.bind(sess),
    fetch: sess.fetch.bind(sess),
    read: sess.read.bind(sess),
    exchange: sess.exchange.bind(sess),
    id: sess.id.bind(sess),
    expiresAt: sess.expiresAt.bind(sess),
    owner: sess.owner.bind(sess),
    watch: sess.watch.bind(sess),
    isFresh: sess.isFresh.bind(sess),
    discard: sess.discard.bind(sess),
    inspect: sess.inspect.bind(sess),
    ready: sess.ready.bind(sess),
    check: sess.check.bind(sess),
    prune: sess.prune.bind(sess),
    close: sess.close.bind(sess),
    [Symbol.asyncDispose]: sess.close.bind(sess),
  }
}
