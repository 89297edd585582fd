import { createServer as createHttp2Server } from 'node:http2'
import type { NodeRequest, NodeResponse } from '@sess/core'
import { onTestFinished } from 'vitest'
import { Http2Wire } from './http2-wire.ts'
import { listen, serve } from './served.ts'
import { Wire } from './wire.ts'

/** A response as text, without `Date`. `headers` are lines in the order of the wire. */
export interface Received {
  readonly status: string
  readonly headers: readonly string[]
  readonly body: string
}

export type Listener = (request: NodeRequest & { readonly url?: string | undefined }, response: NodeResponse) => void

export interface Client {
  /** Sends a request; resolves once its whole response has arrived. */
  request(method: string, path: string): Promise<Received>
}

/** Serves this listener until the test ends, and connects to it once. */
export interface Protocol {
  readonly name: string
  connect(listener: Listener): Promise<Client>
}

export const HTTP1: Protocol = {
  name: 'http1',
  connect: async (listener) => {
    const wire = await Wire.open(await serve(listener))
    // Responses come in the order of their requests.
    let last: Promise<unknown> = Promise.resolve()
    return {
      request: async (method, path) => {
        wire.send(method, path)
        const response = last.then(async () => wire.response(method !== 'HEAD'))
        last = response.catch(() => undefined)
        const { status, reason, headers, body } = await response
        const lines = headers.filter(([name]) => name !== 'Date').map(([name, value]) => `${name}: ${value}`)
        return { status: `${status} ${reason}`, headers: lines, body }
      },
    }
  },
}

export const HTTP2: Protocol = {
  name: 'http2',
  connect: async (listener) => {
    const server = createHttp2Server(listener)
    const wire = new Http2Wire(`http://127.0.0.1:${await listen(server)}`)
    onTestFinished(() => void server.close())
    return {
      request: async (method, path) => {
        const { headers, body } = await wire.response({ ':method': method, ':path': path })
        const { ':status': status, ...others } = headers
        const lines = Object.entries(others).flatMap(([name, value]) =>
          (Array.isArray(value) ? value : [value]).map((one) => `${name}: ${String(one)}`),
        )
        return { status: String(status), headers: lines, body }
      },
    }
  },
}
