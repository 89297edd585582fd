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
  /** What it does wrong. */
  readonly name: string
  /** The clause that it is meant to break. */
  readonly clause: string
  /** Which others fall with it, and no more. */
  readonly also: readonly string[]
  /** Each case needs a backend of its own, as the defect reaches what other cases have there. */
  readonly isApart: boolean
  start(): Promise<Running>
}

/** What a defect is made of. */
export interface Surroundings {
  readonly server: LineServer
  /** To be done when the suite has run. */
  cleanUp(undo: () => void): void
}

/** What is done differently by an instance, given the correct one. */
export type Change = (store: ServerStore, scope: string) => Partial<ServerStore>

export interface Defect {
  readonly also?: readonly string[]
  readonly isApart?: true
  /** Default: `pruned`. */
  readonly variant?: Variant
  readonly server?: ServerOptions
  readonly lacks?: readonly Lack[]
  readonly lineTo?: (address: string, server: LineServer) => Line
  readonly adapter?: (correct: Adapter<LineOptions>, surroundings: Surroundings) => Adapter<LineOptions>
  /** Called once for the backend, and what it returns for each instance. */
  readonly stores?: (surroundings: Surroundings) => Change
  /** The keys on which `stores` changes what is done. Default: those that no case takes by chance. */
  readonly keys?: (key: string) => boolean
  readonly backend?: (surroundings: Surroundings) => Partial<Backend>
}

/** What a mutant rejects with where nobody listens. */
export class Stray extends Error {}

export function isStray(error: unknown): boolean {
  return error instanceof Stray
}

/** Sequences and losses that are made by chance show a defect one time and not another. */
function isByChance(key: string): boolean {
  return /^(?:run|history)\d|^lostkey$/.test(key)
}

/** A mutant of the correct store on the server of lines. */
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
  return {
    harness: {
      ...harness,
      adapter: change ? changed(adapter, change, defect.keys ?? ((key) => !isByChance(key))) : adapter,
      backend: { ...harness.backend, ...defect.backend?.(surroundings) },
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
