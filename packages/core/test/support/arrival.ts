import { type AnyData, type CoreOptions, type Headers, type Session, type Sessions, sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { Browser } from './browser.ts'
import { CountedStore } from './counted-store.ts'
import { SECRET } from './secret.ts'

export type Handler = (session: Session<AnyData>) => unknown

/** A request that has opened its session and has not been answered. */
export interface Arrival {
  readonly session: Session<AnyData>
  readonly answer: (status?: number) => Promise<Headers>
  /** The session's values as seen by the browser's next request, after it received the answer. */
  readonly next: () => Promise<Record<string, unknown>>
}

export async function arrive(sess: Sessions, cookie: string): Promise<Arrival> {
  const exchange = sess.exchange(cookie)
  let sent = cookie
  return {
    session: await exchange.open(),
    answer: async (status = 200) => {
      const headers = await exchange.commit(status)
      sent = headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0] ?? sent
      return headers
    },
    next: async () => ({ ...(await sess.exchange(sent).open()) }),
  }
}

/** Sessions on a server store, and a browser that has a session. */
export interface Begun<S extends ServerStore> {
  readonly store: S
  readonly sess: Sessions
  readonly browser: Browser
  /** Starts a request from that browser. */
  readonly arrive: () => Promise<Arrival>
  /** Another browser with a copy of the current cookie. */
  readonly copy: () => Browser
}

export async function begin(data: object, options?: Partial<CoreOptions>): Promise<Begun<CountedStore>> {
  return beginOn(new CountedStore(), data, options)
}

export async function beginOn<S extends ServerStore>(
  store: S,
  data: object,
  options: Partial<CoreOptions> = {},
): Promise<Begun<S>> {
  const any: ServerStore = store
  const sess: Sessions = sessions(any, { secret: SECRET, ...options })
  const browser = new Browser(sess)
  await browser.visit((session) => Object.assign(session, structuredClone(data)))
  return { store, sess, browser, arrive: () => arrive(sess, browser.cookie), copy: () => browser.at(sess) }
}

/** `'stored'`, or the code of the error that a request was answered with. */
export const outcomeOf = async (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'stored',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  )
