// The load generator, a separate process: it sends what it is told to, and reports throughput and latency.
import { createHistogram } from 'node:perf_hooks'
import { Connection } from './connection.js'
import { answer } from './worker.js'

const CONNECTIONS = 64

/** Persistent connections by port, like those of a browser or a proxy. @type {Map<number, Connection[]>} */
const open = new Map()

/** A request as a proxy that terminates TLS sends it. @param {number} port @param {string} path @param {string | undefined} cookie */
function requestOf(port, path, cookie) {
  const lines = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'X-Forwarded-Proto: https']
  return [...lines, ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]), '', ''].join('\r\n')
}

answer({
  /** @param {{ port: number }} work */
  async connect({ port }) {
    open.set(port, await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(port))))
  },

  /** Begins a session for each connection. Resolves with the cookies. @param {{ port: number }} work */
  async login({ port }) {
    const cookies = []
    for (let count = 0; count < CONNECTIONS; count++) {
      const response = await fetch(`http://127.0.0.1:${port}/login`, { headers: { 'x-forwarded-proto': 'https' } })
      await response.text()
      const pairs = response.headers.getSetCookie().map((line) => line.split(';')[0])
      cookies.push(pairs.join('; '))
    }
    return cookies
  },

  /** @param {{ port: number, path: string, cookies: readonly string[], amount: number }} work */
  async send({ port, path, cookies, amount }) {
    let left = amount
    const microseconds = createHistogram()
    const began = performance.now()
    await Promise.all(
      (open.get(port) ?? []).map((connection, index) =>
        connection.send(
          requestOf(port, path, cookies[index]),
          () => left-- > 0,
          (ms) => microseconds.record(Math.ceil(ms * 1000)),
        ),
      ),
    )
    return { perSecond: (amount * 1000) / (performance.now() - began), p99: microseconds.percentile(99) / 1000 }
  },

  /** @param {{ port: number }} work */
  async close({ port }) {
    for (const connection of open.get(port) ?? []) connection.close()
    open.delete(port)
  },
})
