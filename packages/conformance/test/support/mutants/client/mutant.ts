import type { Adapter, AdapterContext, ClientStore } from '@sess/core/adapter'
import type { Mutant } from '../../mutant.ts'
import { correctParts, type Parts, sealedAdapter } from '../../sealed-store.ts'

interface ClientFault {
  /** The other clauses that break with it. */
  readonly also?: readonly string[]
  readonly parts?: Partial<Parts>
  /** Called once for each instance. */
  readonly partsOfInstance?: () => Partial<Parts>
  /** The methods and fields that the mutant changes, given the correct store. Called once for each instance. */
  readonly change?: (store: ClientStore, context: AdapterContext) => Partial<ClientStore>
  readonly adapter?: (correct: Adapter) => Adapter
}

/** A mutant of the correct sealed store. */
export function clientMutant(clause: string, name: string, fault: ClientFault): Mutant {
  const { also = [], parts, partsOfInstance, change, adapter = (correct) => correct } = fault
  const sealed: Adapter = (options, context) => {
    const store = storeOf({ ...parts, ...partsOfInstance?.() }, context, options)
    return change ? { ...store, ...change(store, context) } : store
  }
  return {
    kind: 'client',
    clause,
    name,
    also,
    isApart: false,
    start: async () => ({ harness: { adapter: adapter(sealed) }, close: async () => {} }),
  }
}

/** A sealed store in which some parts are replaced. */
export function storeOf(parts: Partial<Parts>, context: AdapterContext, options: object = {}): ClientStore {
  const store = sealedAdapter({ ...correctParts, ...parts })(options, context)
  if (store.kind !== 'client') throw new TypeError('a sealed store is a client store')
  return store
}

/** Changes tokens on their way out and in. `undefined`: the string is not a token. */
export function respelled(
  out: (token: string) => string,
  into: (token: string) => string | undefined,
): (store: ClientStore) => Partial<ClientStore> {
  return (store) => ({
    seal: async (entry) => out(await store.seal(entry)),
    open(token) {
      const inner = into(token)
      return inner === undefined ? null : store.open(inner)
    },
  })
}

/** Reads tokens in more spellings than the one that it writes. */
export function lenient(read: (token: string) => string | undefined): (store: ClientStore) => Partial<ClientStore> {
  return respelled((token) => token, read)
}
