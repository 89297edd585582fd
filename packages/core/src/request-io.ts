/**
 * Whether a request may wait for promises and timers of another request, and timers may start outside of requests.
 * Cloudflare Workers allow neither: they stop the promises and timers of a request when its response has left, so
 * another request that waits for them hangs. Ask when a store or an application is made, or later: importing core asks the runtime nothing.
 */
export function requestsShareIo(): boolean {
  const navigator: unknown = Reflect.get(globalThis, 'navigator')
  const isWorkers =
    typeof navigator === 'object' &&
    navigator !== null &&
    'userAgent' in navigator &&
    navigator.userAgent === 'Cloudflare-Workers'
  return !isWorkers
}

/** What later callers get of work that the first caller began: the work itself, unless they may not wait for it. */
export function forLaterCallers(work: Promise<void>): Promise<void> {
  return requestsShareIo() ? work : Promise.resolve()
}
