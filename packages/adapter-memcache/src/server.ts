import type { RingServer } from './ring.js'

/** A memcached server. */
export interface Server extends RingServer {
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string }
}

/** One server or more. */
export type Servers = readonly [Server, ...Server[]]

const ADDRESS = /^[^\s/@?#\\]+:[1-9]\d*$/
const SOCKET = /^\/[^\s\0]+$/

/**
 * Reads `host:port`, with an IPv6 address in brackets, or the absolute path of a Unix socket. `undefined`: the text is
 * something else.
 */
export function parseServer(address: string): Server | undefined {
  if (SOCKET.test(address)) return { name: address, address: { path: address } }
  if (!ADDRESS.test(address) || !URL.canParse(`tcp://${address}`)) return undefined
  const { hostname, port } = new URL(`tcp://${address}`)
  return { name: address, address: { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) } }
}
