import { headersSent, type NodeResponse } from './node.js'

const HEADER_METHODS = { setHeader: 'set', setHeaders: 'set', appendHeader: 'append', removeHeader: 'remove' } as const

/** Takes one cover away. */
export type Uncover = () => void

/**
 * While calls are held, the response looks as though its headers were sent. `finished` stays as it is:
 * by it, a server that closes tells which connections it may cut. Returns what `uncover` is to be given.
 */
export function cover(response: NodeResponse): readonly Uncover[] {
  if (isOfHttp1(response)) {
    // By it node:http itself tells that headers were sent, and refuses to change them.
    response._header = 'held'
    return []
  }
  return [
    shadow(response, 'headersSent', { get: () => true }),
    ...Object.entries(HEADER_METHODS).map(([name, what]) =>
      shadow(response, name, {
        value: () => {
          throw headersSent(response, what)
        },
      }),
    ),
  ]
}

/** To be called when an `end` is held. It stays: whatever the store answers, the response has ended next. */
export function coverEnd(response: NodeResponse): void {
  Object.defineProperty(response, 'writableEnded', { configurable: true, value: true })
}

/** To be called when a `write` is held, and so returns false. */
export function coverWrite(response: NodeResponse & Indebted): void {
  if (!(OWES_DRAIN in response)) Object.defineProperty(response, 'writableNeedDrain', NEED_DRAIN)
  response[OWES_DRAIN] = true
}

/** To be called once, before the response begins. */
export function uncover(response: NodeResponse & Indebted, covers: readonly Uncover[]): void {
  if (isOfHttp1(response)) response._header = null
  if (OWES_DRAIN in response) response[OWES_DRAIN] = false
  for (const each of covers) each()
}

/** A response of node:http, with its head once that is written, and else `null`. */
interface Http1Response extends NodeResponse {
  _header: unknown
}

function isOfHttp1(response: NodeResponse): response is Http1Response {
  return response.stream === undefined && '_header' in response
}

/** A `write` was held, and `drain` was not emitted for it yet. */
const OWES_DRAIN: unique symbol = Symbol('owes drain')

interface Indebted {
  [OWES_DRAIN]?: boolean
}

/** It stays, and tells what the response itself tells once nothing is held: to delete it would slow the response down. */
const NEED_DRAIN: PropertyDescriptor & ThisType<Indebted> = {
  configurable: true,
  get(): unknown {
    if (this[OWES_DRAIN] === true) return true
    return Reflect.get(Object.getPrototypeOf(this) ?? {}, 'writableNeedDrain', this)
  },
}

/** Covers a property that the object has, and returns what uncovers it. */
function shadow(target: object, name: string, descriptor: PropertyDescriptor): () => void {
  if (!(name in target)) return () => undefined
  const own = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(target, name, { ...descriptor, configurable: true })
  return () => {
    if (own) Object.defineProperty(target, name, own)
    else Reflect.deleteProperty(target, name)
  }
}
