import type { AnyData, Session, Sessions, Storable } from '@sess/core'
import type { NextFetchEvent, NextRequest } from 'next/server.js'

/** What the proxy does with a request. `undefined`: it passes the request on, as `NextResponse.next()` does. */
export type ProxyHandler = (
  request: NextRequest,
  event: NextFetchEvent,
) => Response | undefined | void | Promise<Response | undefined | void>

/** The sessions of an application of Next. Its other methods are those of the sessions that it was made of. */
export interface NextSessions<D extends Storable<D> = AnyData> extends Sessions<D> {
  /**
   * The session of this request. Each call in a request resolves with the same one.
   *
   * In a server component, also in a layout and in `generateMetadata`, it cannot be changed, since a page can send no cookie:
   * changes throw `READ_ONLY`. There the session is extended after the response, if it needs no cookie for that.
   *
   * In a server action or a route handler it can be changed. Call `await session.save()` before the end and before
   * `redirect()`, or wrap the function with `action` or `route`. What is changed and not stored is dropped, and Next logs
   * `UNSAVED`.
   *
   * Rejects with the store's error, such as `UNAVAILABLE`.
   */
  (): Promise<Session<D>>

  /**
   * Wraps a server action: what it changes is stored when it ends, and before a `redirect()` or `notFound()` takes effect. An
   * action that fails stores nothing. Rejects with what the action throws, and with `CONFLICT` or `UNAVAILABLE` if the
   * session cannot be stored.
   */
  action<A extends readonly unknown[], R>(action: (...args: A) => Promise<R>): (...args: A) => Promise<R>

  /**
   * Wraps a route handler, as `action` does. If the session cannot be stored, the answer is 409 or 503, and the option
   * `onError` of the sessions gets the reason.
   */
  route<R extends Request, A extends readonly unknown[]>(
    handler: (request: R, ...rest: A) => Response | Promise<Response>,
  ): (request: R, ...rest: A) => Promise<Response>

  /**
   * The function that `proxy.ts` exports (`middleware.ts` before Next 16, with the Node runtime). What it changes in the
   * session is stored before the request goes on, and what the request then reaches sees it. Without a handler it only
   * extends the session.
   */
  proxy(handler?: ProxyHandler): (request: NextRequest, event: NextFetchEvent) => Promise<Response>
}
