import type { LineServer, ServerOptions } from './line-server.ts'
import { DirectLine, type Line, WireLine } from './line-store.ts'
import { changedLine } from './mutants/line.ts'

/** Milliseconds that the replica is behind. */
export const LAG = 150
/** Milliseconds after which an instance trusts the replica to show its own write. */
const OWN = 10 * LAG

function correctLine(address: string, server: LineServer): Line {
  return address === server.address ? new DirectLine(server) : new WireLine(address)
}

/** Lacks `fresh`: reads a replica, except what it wrote itself not long ago. */
export function laggingLine(address: string, server: LineServer): Line {
  const line = correctLine(address, server)
  const written = new Map<string, number>()
  return changedLine(line, {
    call(request) {
      if (request.method === 'prune') return line.call(request)
      const place = `${request.scope}/${request.key}`
      if (request.method !== 'read') {
        written.set(place, Date.now())
        return line.call(request)
      }
      return line.call({ ...request, isLagging: Date.now() - (written.get(place) ?? 0) > OWN })
    },
  })
}

/** Lacks `atomic`: checks first, and then writes. */
export function looseLine(address: string, server: LineServer): Line {
  const line = correctLine(address, server)
  return changedLine(line, {
    async call(request) {
      if (request.method !== 'create' && request.method !== 'update') return line.call(request)
      const { scope, key, entry } = request
      const { stored, isForeign } = await line.call({ method: 'read', scope, key })
      const isFree = request.method === 'create' ? !stored && isForeign !== true : stored?.version === request.version
      return isFree ? line.call({ method: 'put', scope, key, entry }) : {}
    },
  })
}

/** Lacks `retention`: holds less than the largest cases write, in each scope or for all cases together. */
export const CAPACITIES: readonly Required<ServerOptions>['capacity'][] = [
  { of: 'scope', entries: 150 },
  { of: 'server', entries: 1000 },
]
