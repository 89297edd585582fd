import type { Backend, Harness } from '@sess/conformance'
import type { Lack, ServerStore, Store } from '@sess/core/adapter'
import { LineServer, type ServerOptions } from './line-server.ts'
import { type Line, lineAdapter, type LineOptions, WireLine } from './line-store.ts'

/** `pruned`: empty after a restart, expires nothing. `expiring`: durable, expires entries itself, and evicts. */
export type Variant = 'pruned' | 'expiring'

/** A correct backend, and the harness of a correct store on it. */
export interface Reference {
  readonly server: LineServer
  readonly harness: ServerHarness
  close(): Promise<void>
}

interface ServerHarness extends Harness<LineOptions> {
  readonly backend: Backend
}

export interface ReferenceOptions {
  readonly server?: ServerOptions
  readonly lacks?: readonly Lack[]
  readonly lineTo?: (address: string, server: LineServer) => Line
}

const VARIANTS: Readonly<Record<Variant, { readonly server: ServerOptions; readonly lacks: readonly Lack[] }>> = {
  pruned: { server: {}, lacks: ['durability'] },
  expiring: { server: { until: ({ expiresAt }) => expiresAt, isDurable: true }, lacks: ['retention'] },
}

export async function startReference(variant: Variant, options: ReferenceOptions = {}): Promise<Reference> {
  const { server: serverOptions, lacks } = VARIANTS[variant]
  const server = new LineServer({ ...serverOptions, ...options.server })
  await server.start()
  const others: LineServer[] = []
  const refuse = (mode: 'full' | 'read-only') => () => {
    server.mode = mode
    return () => void (server.mode = 'open')
  }
  const { lineTo } = options
  const passedIn = new WireLine(server.address)
  return {
    server,
    harness: {
      adapter: lineAdapter({
        server,
        lacks: options.lacks ?? lacks,
        ...(lineTo && { lineTo: (address) => lineTo(address, server) }),
      }),
      options: ({ scope, address }) => ({ scope, address, password: 'a password of the harness' }),
      backend: {
        tcp: server.address,
        releasesWithin: 100,
        restart: () => server.restart(),
        plant: (scope, key, bytes) => server.plant(scope, key, bytes),
        fill: refuse('full'),
        forbidWrites: refuse('read-only'),
        ...(variant === 'expiring' && {
          evict: (scope: string) => server.evict(scope),
          async withClock(ahead: number) {
            const other = new LineServer({ ...server.options, ahead })
            others.push(other)
            await other.start()
            return other.address
          },
        }),
      },
      wrong: [{ address: 'nowhere' }],
      ...(variant === 'expiring' && {
        passedIn: { options: ({ scope }) => ({ scope, client: passedIn }), isOpen: () => passedIn.isOpen },
      }),
    },
    async close() {
      passedIn.close()
      for (const one of [server, ...others]) await one.stop()
    },
  }
}

export function asServerStore(store: Store): ServerStore {
  if (store.kind !== 'server') throw new TypeError('expected a server store')
  return store
}
