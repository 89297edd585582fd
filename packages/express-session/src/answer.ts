import type { Callback } from './store/types.js'

/** Calls back as Node does: once, later, and so that what the callback throws is not taken for a failure of the call. */
export function answer(call: Promise<void>, callback: Callback | undefined): void {
  const done = callback ?? ((): void => undefined)
  call.then(
    () => process.nextTick(done),
    (error: unknown) => process.nextTick(done, error),
  )
}
