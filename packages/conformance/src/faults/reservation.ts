import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** A port that no other fault proxy of the machine takes, also while nothing listens on it. */
export interface Reservation {
  release(): void
}

/**
 * Reserves a port: binds the UDP port of the same number, which nothing is ever sent to. While a proxy refuses connections,
 * its TCP port is free. If the proxy of another process took it, calls would reach a server that nobody has stopped. Rejects
 * if the port is reserved.
 */
export async function reserve(port: number): Promise<Reservation> {
  const socket = createSocket('udp4')
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw error
  }
  socket.unref()
  return { release: () => void socket.close() }
}
