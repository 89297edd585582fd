import { setImmediate as turn } from 'node:timers/promises'
import type { NodeResponse } from '@sess/core'

/** Opens the session and uses it, then runs `then`; resolves with 'body'. */
export type Page = (then?: () => unknown) => Promise<string>

/** An answer by methods that JavaScript looks up before `page` opens the session. */
export interface NativeAnswer {
  readonly name: string
  readonly method?: string
  readonly answer: (response: NodeResponse, page: Page) => unknown
}

/** The methods that a response has now. */
function lookUp(response: NodeResponse): Required<Pick<NodeResponse, 'writeHead' | 'write' | 'end' | 'flushHeaders'>> {
  const { writeHead, write, end, flushHeaders = () => undefined } = response
  return {
    writeHead: writeHead.bind(response),
    write: write.bind(response),
    end: end.bind(response),
    flushHeaders: flushHeaders.bind(response),
  }
}

async function turns(): Promise<void> {
  for (let count = 0; count < 5; count++) await turn()
}

/** Resolves when the callback is called. */
async function called(call: (callback: () => void) => unknown): Promise<void> {
  await new Promise<void>((resolve) => void call(resolve))
}

const ENDS: readonly NativeAnswer[] = [
  { name: 'end(await page())', answer: async (res, page) => res.end(await page()) },
  { name: 'end(await a Buffer)', answer: async (res, page) => res.end(Buffer.from(await page())) },
  { name: 'end(await page(), encoding)', answer: async (res, page) => res.end(await page(), 'latin1') },
  {
    name: 'end(await page(), callback)',
    answer: async (res, page) => {
      const { end } = lookUp(res)
      const body = await page()
      await called((callback) => end(body, callback))
    },
  },
  {
    name: 'end(await page(), encoding, callback)',
    answer: async (res, page) => {
      const { end } = lookUp(res)
      const body = await page()
      await called((callback) => end(Buffer.from(body).toString('hex'), 'hex', callback))
    },
  },
  {
    name: 'end(callback)',
    answer: async (res, page) => {
      const { end } = lookUp(res)
      await page()
      await called((callback) => end(callback))
    },
  },
  { name: 'end(await nothing)', answer: async (res, page) => res.end((await page()).slice(9)) },
  { name: 'end(await undefined)', answer: async (res, page) => res.end((await page()) === '' ? 'body' : undefined) },
  { name: 'end(await page()) to HEAD', method: 'HEAD', answer: async (res, page) => res.end(await page()) },
  {
    name: 'end(await page()) of status 204',
    answer: async (res, page) => res.end(await page(() => (res.statusCode = 204))),
  },
  {
    name: 'end(await page()) of status 304',
    answer: async (res, page) => res.end(await page(() => (res.statusCode = 304))),
  },
  {
    name: 'end(await page()) of a declared length',
    answer: async (res, page) => res.end(await page(() => res.setHeader('Content-Length', '4'))),
  },
  {
    name: 'end(await much)',
    answer: async (res, page) => res.end((await page()).repeat(2 ** 16)),
  },
]

const PARTS: readonly NativeAnswer[] = [
  {
    name: 'write(await page()), then end',
    answer: async (res, page) => {
      res.write(await page())
      res.end('late')
    },
  },
  {
    name: 'write(await a Buffer), then end later',
    answer: async (res, page) => {
      res.write(Buffer.from(await page()))
      await turns()
      res.end('late')
    },
  },
  {
    name: 'write(await nothing), then end',
    answer: async (res, page) => {
      res.write((await page()).slice(9))
      res.end('late')
    },
  },
  {
    name: 'write(await page(), encoding, callback), then write and end',
    answer: async (res, page) => {
      const { write } = lookUp(res)
      const body = await page()
      await called((callback) => write(Buffer.from(body).toString('hex'), 'hex', callback))
      res.write('more')
      res.end()
    },
  },
  {
    name: 'write(await page()) to HEAD',
    method: 'HEAD',
    answer: async (res, page) => {
      res.write(await page())
      res.end()
    },
  },
  {
    name: 'write and end, both looked up before',
    answer: async (res, page) => {
      const { write, end } = lookUp(res)
      write(await page())
      end()
    },
  },
  {
    name: 'many writes and end, all looked up before',
    answer: async (res, page) => {
      const { write, end } = lookUp(res)
      await page()
      for (const part of ['one', Buffer.from('two'), '', new Uint8Array([51, 52])]) {
        write(part)
        await turn()
      }
      end('last')
    },
  },
  {
    name: 'a part that looks like an informational response',
    answer: async (res, page) => {
      const { write, end } = lookUp(res)
      await page()
      write('HTTP/1.1 103 Early Hints\r\n\r\n', 'ascii')
      end('HTTP/1.1 200 OK\r\n\r\n', 'ascii')
    },
  },
]

const HEADS: readonly NativeAnswer[] = [
  {
    name: 'writeHead(await a status), then end',
    answer: async (res, page) => {
      res.writeHead(await page().then(() => 404))
      res.end('body')
    },
  },
  {
    name: 'writeHead(await a status, headers), then write and end',
    answer: async (res, page) => {
      res.writeHead(await page().then(() => 201), { 'X-One': 'a', 'x-two': ['b', 'c'], Vary: 'Accept' })
      res.write('one')
      res.end('two')
    },
  },
  {
    name: 'setHeader, then writeHead(await a status, headers), then end',
    answer: async (res, page) => {
      res.setHeader('X-One', 'a')
      res.writeHead(await page().then(() => 201), { 'X-One': 'b', 'X-Two': 'c' })
      res.end('body')
    },
  },
  ...[204, 304].map((status): NativeAnswer => ({
    name: `writeHead(await ${status}), then end`,
    answer: async (res, page) => {
      res.writeHead(await page().then(() => status))
      res.end()
    },
  })),
  {
    name: 'writeHead(await a status) to HEAD, then end',
    method: 'HEAD',
    answer: async (res, page) => {
      res.writeHead(await page().then(() => 200), { 'Content-Length': 4 })
      res.end()
    },
  },
  {
    name: 'writeHead and end, both looked up before',
    answer: async (res, page) => {
      const { writeHead, end } = lookUp(res)
      const body = await page()
      writeHead(201, { 'X-One': 'a' })
      end(body)
    },
  },
  {
    name: 'writeHead, write and end, all looked up before, over several turns',
    answer: async (res, page) => {
      const { writeHead, write, end } = lookUp(res)
      const body = await page()
      writeHead(201)
      await turns()
      write(body)
      await turns()
      end(body)
    },
  },
  {
    name: 'flushHeaders, looked up before, then end',
    answer: async (res, page) => {
      const { flushHeaders } = lookUp(res)
      const body = await page()
      flushHeaders()
      res.end(body)
    },
  },
  {
    name: 'flushHeaders, write and end, all looked up before',
    answer: async (res, page) => {
      const { flushHeaders, write, end } = lookUp(res)
      const body = await page()
      flushHeaders()
      await turns()
      write(body)
      end(body)
    },
  },
]

/** The page itself begins the response; its methods are looked up after `open`. */
const BEGUN: readonly NativeAnswer[] = [
  {
    name: 'end(await page()), where page sets headers and a status',
    answer: async (res, page) =>
      res.end(
        await page(() => {
          res.statusCode = 404
          res.setHeader('X-One', 'a')
        }),
      ),
  },
  {
    name: 'end(await page()), where page writes',
    answer: async (res, page) => res.end(await page(() => res.write('early'))),
  },
  {
    name: 'end(await page()), where page writes and waits',
    answer: async (res, page) =>
      res.end(
        await page(async () => {
          res.write('early')
          await turns()
        }),
      ),
  },
  {
    name: 'write(await page()), where page writes and waits',
    answer: async (res, page) => {
      res.write(
        await page(async () => {
          res.write('early')
          await turns()
        }),
      )
      res.end('late')
    },
  },
  {
    name: 'end(await page()), where page writes the head',
    answer: async (res, page) => res.end(await page(() => res.writeHead(201, { 'X-One': 'a' }))),
  },
  {
    name: 'end(await page()), where page writes the head of a declared length',
    answer: async (res, page) => res.end(await page(() => res.writeHead(200, { 'Content-Length': 4 }))),
  },
  {
    name: 'end(await page()), where page flushes the head and waits',
    answer: async (res, page) =>
      res.end(
        await page(async () => {
          res.flushHeaders?.()
          await turns()
        }),
      ),
  },
  {
    name: 'end(await page()), where page has ended the response',
    answer: async (res, page) => {
      const { end } = lookUp(res)
      await page(() => res.end('early'))
      end()
    },
  },
]

export const NATIVE_ANSWERS: readonly NativeAnswer[] = [...ENDS, ...PARTS, ...HEADS, ...BEGUN]

/** Forms that node:http2 does not have. */
export const HTTP1_NATIVE_ANSWERS: readonly NativeAnswer[] = [
  {
    name: 'writeHead(await a status, reason, headers), then end',
    answer: async (res, page) => {
      res.writeHead(await page().then(() => 418), 'Short and stout', { 'X-One': 'a' })
      res.end('body')
    },
  },
  {
    name: 'writeHead(await a status, a flat array), then end',
    answer: async (res, page) => {
      res.writeHead(await page().then(() => 200), ['X-One', 'a', 'X-One', 'b', 'Content-Length', '4'])
      res.end('body')
    },
  },
  {
    name: 'end(await page()) of a strict length',
    answer: async (res, page) => {
      Object.assign(res, { strictContentLength: true })
      res.end(await page(() => res.setHeader('Content-Length', '4')))
    },
  },
]
