// What this package uses of Next, so that building it needs no copy of Next. The application of tests/frameworks is compiled
// against Next's own types.

declare module 'next/headers.js' {
  /** A cookie as `set` takes it. */
  interface ResponseCookie {
    readonly name: string
    readonly value: string
    readonly path?: string
    readonly domain?: string
    readonly httpOnly?: boolean
    readonly secure?: boolean
    readonly sameSite?: 'lax' | 'strict' | 'none'
    readonly partitioned?: boolean
    readonly maxAge?: number
    readonly expires?: Date
  }

  export interface CookieJar {
    getAll(): readonly { readonly name: string; readonly value: string }[]
    has(name: string): boolean
    set(cookie: ResponseCookie): unknown
    delete(name: string): unknown
  }

  export function cookies(): Promise<CookieJar>
  export function headers(): Promise<Headers>
}

declare module 'next/server.js' {
  import type { CookieJar } from 'next/headers.js'

  export class NextRequest extends Request {
    readonly cookies: CookieJar
  }

  export class NextResponse extends Response {
    readonly cookies: CookieJar
    static next(init?: { readonly request?: { readonly headers?: Headers } }): NextResponse
  }

  export interface NextFetchEvent {
    waitUntil(promise: Promise<unknown>): void
  }

  export function after(task: () => unknown): void
}

declare module 'next/cache.js' {
  /** Since Next 16. */
  export const refresh: undefined | (() => void)
}
