import type { Session } from '../session/session.js'

/**
 * The options of the session's cookie (RFC 6265bis), which is always HttpOnly. A combination that no browser accepts,
 * such as `sameSite: 'none'` with `secure: false`, throws `INVALID_OPTION`.
 */
export interface CookieOptions {
  /**
   * The cookie's name, 1 to 128 characters. Default `'sess'`. In the browser it has the prefix `__Host-`, or
   * `__Secure-` if `domain` or `path` is set. A cookie without Secure has no prefix.
   */
  readonly name?: string | undefined
  /**
   * `true`: the cookie always has Secure. `false`: it never has, for networks that have only plain http. Default: it
   * has Secure, except over plain http between a browser and a server on the same machine, outside production.
   */
  readonly secure?: boolean | undefined
  /** The requests from other sites that the browser sends the cookie with. Default `'lax'`. */
  readonly sameSite?: 'lax' | 'strict' | 'none' | undefined
  /** The domain the cookie is valid for. Default: only the host that set the cookie. */
  readonly domain?: string | undefined
  /** The path the cookie is valid for. Default `'/'`. */
  readonly path?: string | undefined
  /** Whether the cookie is partitioned by the embedding site (CHIPS). Needs `sameSite: 'none'`. Default `false`. */
  readonly partitioned?: boolean | undefined
  /** Whether the cookie survives a restart of the browser, until the session expires. Default `false`. */
  readonly persistent?: boolean | undefined
  /**
   * `false`: the name has no prefix, for hosts that pass on one cookie by its exact name. Other hosts of the same site
   * can then plant a cookie of that name. Default: it has one.
   */
  readonly prefix?: false | undefined
}

/** The session's cookie, for frameworks that set cookies by their parts. */
export interface SessionCookie {
  /** The name in the browser, with its prefix. */
  readonly name: string
  /** Needs no encoding. Empty if the cookie is to be removed. */
  readonly value: string
  /** The path the cookie is valid for. */
  readonly path: string
  /** The domain the cookie is valid for. Left out: only the host that sets the cookie gets it. */
  readonly domain?: string
  /** Always hidden from scripts. */
  readonly httpOnly: true
  /** Whether the cookie is sent only over https. */
  readonly secure: boolean
  /** The requests from other sites that the browser sends the cookie with. */
  readonly sameSite: 'lax' | 'strict' | 'none'
  /** Whether the cookie is partitioned by the embedding site. */
  readonly partitioned?: true
  /** In seconds; 0 if the cookie is to be removed. Left out: until the browser ends. */
  readonly maxAge?: number
  /** Set if the cookie is to be removed. */
  readonly expires?: Date
}

/** Headers for a response, in order. Names are in lower case; a name may occur more than once. */
export type Headers = readonly (readonly [name: string, value: string])[]

/** Headers of the response that the session's own headers are merged with. */
export interface SeenHeaders {
  /** `Vary`, as one text. */
  readonly vary?: string | undefined
  /** `Cache-Control`, as one text. */
  readonly cacheControl?: string | undefined
  /** The names of the response's headers. Those that a CDN heeds before `Cache-Control` are overridden. */
  readonly names?: Iterable<string> | undefined
}

/** How a binding wants an exchange to be. */
export interface ExchangeOptions {
  /**
   * `false`: a browser on this machine uses plain http, so outside production its cookie is set without Secure. Default:
   * what the request says, and `true` for the value of a header.
   */
  readonly https?: boolean | undefined
  /**
   * For what can send no cookie, such as a page that is being rendered: changes throw `READ_ONLY` with this message, which
   * says where the session can be changed. Only the session's extension is left to `commit`. Default: it can be changed.
   */
  readonly readOnly?: string | undefined
  /**
   * Called when `save` or `commit` has stored something, with the session's cookie by its parts if one is to be set: for a
   * framework that keeps the cookies of the response itself. What it throws, `save` and `commit` reject with.
   */
  readonly onStored?: ((cookie: SessionCookie | undefined) => void) | undefined
}

/**
 * One request and its response, independent of their transport. Bindings to frameworks and runtimes are built on it:
 * `open` the session when the handler asks for it, `commit` before the response leaves, and send the headers that
 * `commit` resolves with. If `commit` rejects, answer with the error's `status` instead of the response.
 */
export interface Exchange<D> {
  /** Loads the session, once. Rejects with the store's error, such as `UNAVAILABLE`; the next call tries again. */
  open(): Promise<Session<D>>
  /** Whether `commit` would store something or send a cookie. */
  readonly pending: boolean
  /** Whether something that the handler has changed is left to store: more than an extension. */
  readonly changed: boolean
  /**
   * Whether a success would need a `set-cookie`, as far as is known before `commit`. For a place that can set no
   * headers, such as a page that is being streamed.
   */
  readonly needsCookie: boolean
  /** The cookie that the headers of `commit`, or the last `save`, set, by its parts. `undefined`: they set none. */
  readonly cookie: SessionCookie | undefined
  /** Drops every change except a `destroy`: call it when the handler threw. */
  discard(): void
  /**
   * Seals the session at once, stores its changes, and resolves with headers: append `set-cookie`, set the others. With
   * a `status` of 500 or more it stores nothing except a `destroy`. Rejects with `CONFLICT`, `TOO_LARGE`,
   * `INVALID_VALUE` or the store's error. After `UNAVAILABLE` the store may or may not have applied the changes; after
   * any other error it has not. Where a session was there and was used, `cache-control` keeps shared caches out, if the
   * response has one. Without `seen` it is `no-store`, since the response's own is unknown and must not be loosened.
   */
  commit(status: number, seen?: SeenHeaders): Promise<Headers>
  /** Headers for the error response after `commit` rejected: what `save` had stored before keeps its cookie. */
  failureHeaders(): Headers
}
