import type { LineServer } from '../line-server.ts'
import { DirectLine, type Line } from '../line-store.ts'

/** Another line where there is a wire: to the server by way of a proxy. */
export function lineTo(wire: (address: string) => Line) {
  return (address: string, server: LineServer): Line =>
    address === server.address ? new DirectLine(server) : wire(address)
}

/** A line that does something else. */
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
