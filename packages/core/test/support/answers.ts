import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'

/** A way to answer a request with Node's own response. */
export interface Answer {
  readonly name: string
  readonly method?: string
  readonly answer: (response: ServerResponse, request: IncomingMessage) => unknown
}

const KILOBYTE = 'abcdefgh'.repeat(128)

/** A stream of that many chunks of 64 kB each. */
export function stream(chunks: number): Readable {
  return Readable.from(Array.from({ length: chunks }, () => Buffer.from(KILOBYTE.repeat(64))))
}

async function* generate(chunks: number): AsyncGenerator<string> {
  for (let count = 0; count < chunks; count++) {
    await turn()
    yield KILOBYTE
  }
}

/** Respects backpressure: waits for `drain` whenever `write` returns false. */
async function writeAll(response: ServerResponse, chunks: number): Promise<void> {
  for (let count = 0; count < chunks; count++) {
    if (!response.write(KILOBYTE.repeat(64))) await once(response, 'drain')
  }
  response.end('last')
}

export const ANSWERS: readonly Answer[] = [
  { name: 'end without a body', answer: (res) => res.end() },
  { name: 'end with a body', answer: (res) => res.end('body') },
  { name: 'end with a Buffer', answer: (res) => res.end(Buffer.from('body')) },
  { name: 'end with an encoding', answer: (res) => res.end('626f6479', 'hex') },
  { name: 'end with null', answer: (res) => res.end(null) },
  { name: 'end twice', answer: (res) => res.end('body').end() },
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
      res.write('74776f', 'hex')
      await turn()
      res.write(Buffer.from('three'))
      res.write('')
      await turn()
      res.end()
    },
  },
  {
    name: 'writeHead',
    answer: (res) => {
      res.writeHead(404)
      res.end('body')
    },
  },
  {
    name: 'writeHead with an object',
    answer: (res) => res.writeHead(201, { 'X-One': 'a', 'x-two': ['b', 'c'], 'Content-Length': 4 }).end('body'),
  },
  {
    name: 'writeHead with a flat array',
    answer: (res) => res.writeHead(200, ['X-One', 'a', 'Content-Length', '4']).end('body'),
  },
  {
    name: 'writeHead with a reason',
    answer: (res) => res.writeHead(418, 'Short and stout').end('body'),
  },
  {
    name: 'writeHead with a reason and an object',
    answer: (res) => res.writeHead(418, 'Short and stout', { 'X-One': 'a' }).end('body'),
  },
  {
    name: 'setHeader, then writeHead with an object',
    answer: (res) => {
      res.setHeader('X-One', 'a')
      res.setHeader('X-Two', 'b')
      res.writeHead(200, { 'x-two': 'c', 'X-Three': 'd' })
      res.end('body')
    },
  },
  {
    name: 'setHeader, then writeHead with a flat array',
    answer: (res) => {
      res.setHeader('X-One', 'a')
      res.writeHead(200, ['X-Two', 'b'])
      res.end('body')
    },
  },
  {
    name: 'a reason and a status that were assigned',
    answer: (res) => {
      res.statusCode = 299
      res.statusMessage = 'Quite fine'
      res.end('body')
    },
  },
  {
    name: 'a status that is changed after the head',
    answer: (res) => {
      res.write('body')
      res.statusCode = 500
      res.end()
    },
  },
  {
    name: 'flushHeaders, and a body later',
    answer: async (res) => {
      res.flushHeaders()
      await turn()
      res.end('body')
    },
  },
  {
    name: 'a declared length',
    answer: (res) => {
      res.setHeader('Content-Length', 4)
      res.write('bo')
      res.end('dy')
    },
  },
  {
    name: 'trailers',
    answer: (res) => {
      res.setHeader('Trailer', 'X-Sum')
      res.write('body')
      res.addTrailers({ 'X-Sum': '1' })
      res.end()
    },
  },
  {
    name: 'cork and uncork',
    answer: (res) => {
      res.cork()
      res.write('one')
      res.write('two')
      res.uncork()
      res.end()
    },
  },
  { name: 'pipe of a small stream', answer: (res) => Readable.from(['one', 'two']).pipe(res) },
  { name: 'pipe of a large stream', answer: (res) => stream(24).pipe(res) },
  { name: 'pipeline of a small stream', answer: (res) => pipeline(Readable.from(['one', 'two']), res) },
  { name: 'pipeline of a large stream', answer: (res) => pipeline(stream(24), res) },
  { name: 'pipeline of a generator', answer: (res) => pipeline(generate(9), res) },
  { name: 'writes that wait for drain', answer: (res) => writeAll(res, 24) },
  { name: 'an answer to HEAD', method: 'HEAD', answer: (res) => res.end('body') },
  {
    name: 'an answer to HEAD by writeHead',
    method: 'HEAD',
    answer: (res) => res.writeHead(200, { 'Content-Length': 4 }).end(),
  },
  { name: 'status 204', answer: (res) => res.writeHead(204).end() },
  { name: 'status 304', answer: (res) => res.writeHead(304, { ETag: '"a"' }).end() },
  { name: 'a redirect', answer: (res) => res.writeHead(302, { Location: '/elsewhere' }).end() },
  {
    name: 'status 101 by writeHead',
    answer: (res) => res.writeHead(101, { Upgrade: 'own', Connection: 'Upgrade' }).end(),
  },
]
