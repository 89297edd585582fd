import { headersSent, type NodeResponse } from './node.js'

const HEADER_METHODS = { setHeader: 'set', setHeaders: 'set', appendHeader: 'append', removeHeader: 'remove' } as const

/** What holds back the calls of a response. */
export interface Holder {
  /** `end` was called. */
  readonly hasHeldEnd: boolean
  /** A `write` returned false. */
  readonly owesDrain: boolean
}

/** Takes one cover away. */
export type Uncover = () => void

/**
 * While calls are held, the response looks as though its headers were sent. `finished` stays as it is:
 * by it, a server that closes tells which connections it may cut. Returns what `uncover` is to be given.
 */
export function cover(response: NodeResponse, holder: Holder): readonly Uncover[] {
  if (isOfHttp1(response)) {
    // By it node:http itself tells that headers were sent, and refuses to change them.
    response._header = 'held'
    coverWritable(response, holder)
    return []
  }
  return [
    shadow(response, 'headersSent', { get: () => true }),
    shadow(response, 'writableEnded', { get: () => holder.hasHeldEnd }),
    shadow(response, 'writableNeedDrain', { get: () => holder.owesDrain }),
    ...Object.entries(HEADER_METHODS).map(([name, what]) =>
      shadow(response, name, {
        value: () => {
          throw headersSent(response, what)
        },
      }),
    ),
  ]
}

/** To be called once, before the response begins. */
export function uncover(response: NodeResponse, covers: readonly Uncover[]): void {
  if (isOfHttp1(response)) {
    response._header = null
    coverWritable(response, undefined)
  }
  for (const each of covers) each()
}

/** A response of node:http, with its head once that is written, and else `null`. */
interface Http1Response extends NodeResponse {
  _header: unknown
}

function isOfHttp1(response: NodeResponse): response is Http1Response {
  return response.stream === undefined && '_header' in response
}

/** What holds a response of node:http, if something does. */
const HOLDER: unique symbol = Symbol('holder')

interface Covered {
  [HOLDER]?: Holder | undefined
}

const WRITABLE: PropertyDescriptorMap & ThisType<Covered> = {
  writableEnded: {
    configurable: true,
    get() {
      return this[HOLDER]?.hasHeldEnd ?? inherited(this, 'writableEnded')
    },
  },
  writableNeedDrain: {
    configurable: true,
    get() {
      return this[HOLDER]?.owesDrain ?? inherited(this, 'writableNeedDrain')
    },
  },
}

function inherited(object: object, name: string): unknown {
  return Reflect.get(Object.getPrototypeOf(object) ?? {}, name, object)
}

/**
 * Its accessors stay, and tell what the response itself tells once nothing holds it. To make them anew for each
 * response, and to delete them, took more time than all else that is done for a change.
 */
function coverWritable(response: NodeResponse & Covered, holder: Holder | undefined): void {
  if (!(HOLDER in response)) Object.defineProperties(response, WRITABLE)
  response[HOLDER] = holder
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
