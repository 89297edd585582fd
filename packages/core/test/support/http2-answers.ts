import { once } from 'node:events'
import type { Http2ServerResponse } from 'node:http2'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { stream } from './answers.ts'

export type Answer = (response: Http2ServerResponse) => unknown

/** A way to answer a request with the response of node:http2. */
export interface Http2Answer {
  readonly name: string
  readonly method?: string
  readonly answer: Answer
}

/** Respects backpressure: waits for `drain` whenever `write` returns false. */
async function writeAll(response: Http2ServerResponse, chunks: number): Promise<void> {
  for (let count = 0; count < chunks; count++) {
    if (!response.write('x'.repeat(2 ** 16))) await once(response, 'drain')
  }
  response.end('last')
}

/** Calls a method that Node's types lack or declare differently. */
function untyped(response: Http2ServerResponse, method: string, ...args: readonly unknown[]): unknown {
  return Reflect.apply(Reflect.get(response, method), response, args)
}

export const HTTP2_ANSWERS: readonly Http2Answer[] = [
  { name: 'end without a body', answer: (res) => res.end() },
  { name: 'end with a body', answer: (res) => res.end('body') },
  {
    name: 'write, then end',
    answer: (res) => {
      res.write('early')
      res.end('late')
    },
  },
  {
    name: 'several writes, over several turns',
    answer: async (res) => {
      res.write('one')
      await turn()
      res.write(Buffer.from('two'))
      await turn()
      res.end()
    },
  },
  {
    name: 'writeHead with an object',
    answer: (res) => res.writeHead(201, { 'X-One': 'a', 'x-two': ['b', 'c'] }).end('body'),
  },
  {
    name: 'writeHead with a flat array',
    answer: (res) => {
      untyped(res, 'writeHead', 201, ['X-One', 'a'])
      res.end('body')
    },
  },
  {
    name: 'writeHead with a nested array',
    answer: (res) => {
      untyped(res, 'writeHead', 201, [['X-One', 'a']])
      res.end('body')
    },
  },
  {
    name: 'setHeader, then writeHead',
    answer: (res) => {
      res.setHeader('X-One', 'a')
      res.writeHead(404, { 'X-One': 'b' }).end('body')
    },
  },
  {
    name: 'flushHeaders, and a body later',
    answer: async (res) => {
      untyped(res, 'flushHeaders')
      await turn()
      res.end('body')
    },
  },
  {
    name: 'trailers',
    answer: (res) => {
      res.addTrailers({ 'x-sum': '1' })
      res.end('body')
    },
  },
  { name: 'pipe of a small stream', answer: (res) => Readable.from(['one', 'two']).pipe(res) },
  { name: 'pipe of a large stream', answer: (res) => stream(24).pipe(res) },
  { name: 'pipeline of a large stream', answer: async (res) => pipeline(stream(24), res) },
  { name: 'writes that wait for drain', answer: async (res) => writeAll(res, 24) },
  { name: 'an answer to HEAD', method: 'HEAD', answer: (res) => res.end('body') },
  { name: 'status 204', answer: (res) => res.writeHead(204).end() },
  { name: 'status 304', answer: (res) => res.writeHead(304, { ETag: '"a"' }).end() },
  { name: 'a redirect', answer: (res) => res.writeHead(302, { Location: '/elsewhere' }).end() },
]
