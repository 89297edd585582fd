import { type AdapterContext, type ClientStore, createAdapterContext } from '@sess/core/adapter'
import { type Harness, makeStore } from '../harness.js'

export const SECRETS = [
  'the first secret of the conformance suite',
  'the second secret of the conformance suite',
  'the third secret of the conformance suite',
] as const

/** What one case of a client store works with: stores of this secret or that. */
export class ClientStage {
  /** What the author says of the adapter. */
  readonly harness: Harness

  constructor(harness: Harness) {
    this.harness = harness
  }

  /** A store of the harness's options. `secrets`: newest first. `name`: the cookie's. */
  open({ secrets = [SECRETS[0]], name }: { secrets?: readonly string[]; name?: string } = {}): ClientStore {
    return this.make(this.optionsOf(), this.context(secrets, name))
  }

  /** What core hands to an adapter, of these secrets, newest first, and this cookie's name. */
  context(secrets: readonly string[] = [SECRETS[0]], name?: string): AdapterContext {
    return createAdapterContext({ secret: secrets, ...(name !== undefined && { cookie: { name } }) })
  }

  /** A store of other options. Throws a `TypeError` where the adapter makes a server store of them. */
  make(options: object, context: AdapterContext = this.context()): ClientStore {
    const store = makeStore(this.harness, options, context)
    if (store.kind !== 'client') throw new TypeError('the adapter makes stores of two kinds')
    return store
  }

  /** The harness's options. */
  optionsOf(): object {
    return this.harness.options?.({ scope: 'conformance', address: '' }) ?? {}
  }

  /** There is nothing to release. */
  async close(): Promise<void> {}
}
