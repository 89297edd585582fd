import type { RingServer } from './ring.js'

/** A memcached server. */
export interface Server extends RingServer {
  readonly host: string
  readonly port: number
}

/** One server or more. */
export type Servers = readonly [Server, ...Server[]]

const ADDRESS = /^[^\s/@?#\\]+:[1-9]\d*$/

/** Reads `host:port`, with an IPv6 address in brackets. `undefined`: the text is something else. */
export function parseServer(address: string): Server | undefined {
  if (!ADDRESS.test(address) || !URL.canParse(`tcp://${address}`)) return undefined
  const { hostname, port } = new URL(`tcp://${address}`)
  return { name: address, host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}
