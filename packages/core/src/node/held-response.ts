import { isHttp1 } from './http1-calls.js'
import { watchBody } from './native-calls.js'
import { headersSent, type NodeResponse } from './response.js'
import type { NativeCallWatcher, Watch } from './watch.js'

const HEADER_METHODS = { setHeader: 'set', setHeaders: 'set', appendHeader: 'append', removeHeader: 'remove' } as const

/**
 * Makes the response look as if its headers were sent, while calls are held. `finished` stays as it is: a server that
 * closes reads it to decide which connections it may cut. Pass the result to `stopPretending`.
 */
export function pretendSent(response: NodeResponse, watcher: NativeCallWatcher): Watch {
  const body = watchBody(response, watcher)
  if (isHttp1(response)) return body
  const restores = [
    shadow(response, 'headersSent', { get: () => true }),
    ...Object.entries(HEADER_METHODS).map(([name, what]) =>
      shadow(response, name, {
        value: () => {
          throw headersSent(response, what)
        },
      }),
    ),
  ]
  return {
    stop: () => {
      body.stop()
      for (const restore of restores) restore()
    },
  }
}

/**
 * Call it when an `end` is held. It is never undone: whatever the store answers, the response ends next. Serverless
 * wrappers, whose sockets are plain objects, read the response once it says that it has ended.
 */
export function pretendEnded(response: NodeResponse): void {
  if ('socket' in response && isPlain(response.socket)) return
  Object.defineProperty(response, 'writableEnded', { configurable: true, value: true })
}

function isPlain(socket: unknown): boolean {
  return typeof socket === 'object' && socket !== null && !('emit' in socket)
}

/** Call it when a `write` is held and so returns false. */
export function pretendFull(response: NodeResponse & OwesDrain): void {
  if (!(OWES_DRAIN in response)) Object.defineProperty(response, 'writableNeedDrain', NEED_DRAIN)
  response[OWES_DRAIN] = true
}

/** Call it once, before the response begins. */
export function stopPretending(response: NodeResponse & OwesDrain, sent: Watch): void {
  if (OWES_DRAIN in response) response[OWES_DRAIN] = false
  sent.stop()
}

/** A `write` was held, and `drain` has not been emitted for it yet. */
const OWES_DRAIN: unique symbol = Symbol('owes drain')

interface OwesDrain {
  [OWES_DRAIN]?: boolean
}

/** Never removed, because a deletion slows the response down. Once nothing is held, it returns the original value. */
const NEED_DRAIN: PropertyDescriptor & ThisType<OwesDrain> = {
  configurable: true,
  get(): unknown {
    if (this[OWES_DRAIN] === true) return true
    return Reflect.get(Object.getPrototypeOf(this) ?? {}, 'writableNeedDrain', this)
  },
}

/** Replaces a property, if the object has it. */
function shadow(target: object, name: string, descriptor: PropertyDescriptor): () => void {
  if (!(name in target)) return () => undefined
  const own = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(target, name, { ...descriptor, configurable: true })
  return () => {
    if (own) Object.defineProperty(target, name, own)
    else Reflect.deleteProperty(target, name)
  }
}
