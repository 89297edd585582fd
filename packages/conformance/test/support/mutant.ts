import type { Backend, Harness } from '@sess/conformance'
import type { Adapter, Lack, ServerStore } from '@sess/core/adapter'
import type { LineServer, ServerOptions } from './line-server.ts'
import type { Line, LineOptions } from './line-store.ts'
import { asServerStore, startReference, type Variant } from './reference.ts'

/** A store with a defect, ready for the suite. */
export interface Running {
  readonly harness: Harness
  close(): Promise<void>
}

export interface Mutant {
  readonly kind: 'server' | 'client'
  /** What the store does wrong. */
  readonly name: string
  /** The clause that the mutant is meant to break. */
  readonly clause: string
  /** Exactly the other clauses that break with it. */
  readonly also: readonly string[]
  /** Whether each case needs its own backend, because the defect affects the entries of other cases. */
  readonly isApart: boolean
  start(): Promise<Running>
}

/** What a defect can use. */
export interface Surroundings {
  readonly server: LineServer
  /** Registers an action to run after the suite. */
  cleanUp(undo: () => void): void
}

/** The methods that a mutant changes, given the correct store. */
export type Change = (store: ServerStore, scope: string) => Partial<ServerStore>

export interface Defect {
  readonly also?: readonly string[]
  readonly isApart?: true
  /** Default: `pruned`. */
  readonly variant?: Variant
  readonly server?: ServerOptions
  readonly lacks?: readonly Lack[]
  /** The backend is made unreachable by `stop` and `start`, and has no address for a proxy. */
  readonly isSwitched?: true
  readonly lineTo?: (address: string, server: LineServer) => Line
  readonly adapter?: (correct: Adapter<LineOptions>, surroundings: Surroundings) => Adapter<LineOptions>
  /** Called once for the backend. The returned function is called for each instance. */
  readonly stores?: (surroundings: Surroundings) => Change
  /** The keys that `stores` affects. Default: the keys of cases that do not depend on chance. */
  readonly keys?: (key: string) => boolean
  readonly backend?: (surroundings: Surroundings) => Partial<Backend>
  /** Whether the harness says that the backend is in the process. */
  readonly isInProcess?: true
}

/** Random sequences and losses show a defect in one run and not in another. */
function isByChance(key: string): boolean {
  return /^(?:run|history)\d|^lostkey$/.test(key)
}

/** A mutant of the correct line store. */
export function mutant(clause: string, name: string, defect: Defect): Mutant {
  const { also = [], isApart = false, variant = 'pruned' } = defect
  return { kind: 'server', clause, name, also, isApart, start: () => start(variant, defect) }
}

async function start(variant: Variant, defect: Defect): Promise<Running> {
  const { server, harness, close } = await startReference(variant, defect)
  const undo: (() => void)[] = []
  const surroundings: Surroundings = { server, cleanUp: (one) => undo.push(one) }
  const adapter = defect.adapter?.(harness.adapter, surroundings) ?? harness.adapter
  const change = defect.stores?.(surroundings)
  const { tcp = '', ...others } = harness.backend
  const way = defect.isSwitched ? { stop: () => server.stop(), start: () => server.start() } : { tcp }
  const backend = { ...others, ...way }
  return {
    harness: {
      ...harness,
      adapter: change ? changed(adapter, change, defect.keys ?? ((key) => !isByChance(key))) : adapter,
      backend: defect.isInProcess ? 'in-process' : { ...backend, ...defect.backend?.(surroundings) },
      ...(defect.isInProcess && { options: ({ scope }: { readonly scope: string }) => ({ scope }) }),
      ...(defect.isSwitched && {
        options: ({ scope }: { readonly scope: string }) => ({ scope, address: `localhost:${server.port}` }),
      }),
    },
    async close() {
      for (const one of undo) one()
      await close()
    },
  }
}

function changed(
  correct: Adapter<LineOptions>,
  change: Change,
  isChanged: (key: string) => boolean,
): Adapter<LineOptions> {
  return (options, context) => {
    const store = asServerStore(correct(options, context))
    const other = { ...store, ...change(store, options.scope ?? '') }
    const at = (key: string): ServerStore => (isChanged(key) ? other : store)
    return {
      ...other,
      create: (key, entry) => at(key).create(key, entry),
      read: (key) => at(key).read(key),
      update: (key, entry, version) => at(key).update(key, entry, version),
      destroy: (key) => at(key).destroy(key),
    }
  }
}
