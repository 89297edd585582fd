import { SessError } from '../error.js'

/** Is told what native methods do to a response. */
export interface NativeCallWatcher {
  /** The head is about to be written: with its status, and with headers that may be set already. */
  onHead(status: unknown, reason: string | undefined, headers: unknown): void
  /** A part of the body was written. */
  onWrite(args: readonly unknown[]): void
  onEnd(): void
  /** The part that was written last was written by `end`. */
  onEndWithLast(): void
  /** A response that is none of Node's own has ended. */
  onFinish(): void
  /** The response cannot be continued. Nothing of it was sent. */
  onFailure(error: unknown): void
}

/** Watches until it is stopped. */
export interface Watch {
  stop(): void
}

export const NO_WATCH: Watch = { stop: () => undefined }

/** Sets what Node keeps under a symbol of its own, or a property of that. Returns whether it was there. */
export function setBySymbol(target: object, description: string, value: unknown, property?: string): boolean {
  const symbol = Object.getOwnPropertySymbols(target).find((each) => each.description === description)
  if (symbol === undefined) return false
  if (property === undefined) return Reflect.set(target, symbol, value)
  const state: unknown = Reflect.get(target, symbol)
  return typeof state === 'object' && state !== null && property in state && Reflect.set(state, property, value)
}

export function cannotWait(): SessError {
  return new SessError(
    'INVALID_REQUEST',
    'A method of this response that was looked up before sess.open(req, res) cannot wait for the session. Open the session ' +
      'first: write `const body = await page(req, res)` and then `res.end(body)`, instead of `res.end(await page(req, res))`.',
  )
}
