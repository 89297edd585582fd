import type { LineServer } from '../line-server.ts'
import { DirectLine, type Line } from '../line-store.ts'

/** Uses another line only for connections through a proxy. */
export function lineTo(wire: (address: string) => Line) {
  return (address: string, server: LineServer): Line =>
    address === server.address ? new DirectLine(server) : wire(address)
}

/** A line with some methods replaced. */
export function changedLine(line: Line, change: Partial<Line>): Line {
  return {
    get isOpen() {
      return line.isOpen
    },
    call: (request) => line.call(request),
    drop: () => line.drop(),
    close: () => line.close(),
    ...change,
  }
}
