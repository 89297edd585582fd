import { type AdapterContext, type ClientStore, createAdapterContext } from '@sess/core/adapter'
import { type Harness, makeStore } from '../harness.js'

export const SECRETS = [
  'the first secret of the conformance suite',
  'the second secret of the conformance suite',
  'the third secret of the conformance suite',
] as const

/** What one case of a client store works with: stores with different secrets and cookie names. */
export class ClientStage {
  /** The harness that the suite was given. */
  readonly harness: Harness

  constructor(harness: Harness) {
    this.harness = harness
  }

  /** Makes a store with the harness's options. `secrets`: newest first. `name`: the cookie's name. */
  open({ secrets = [SECRETS[0]], name }: { secrets?: readonly string[]; name?: string } = {}): ClientStore {
    return this.make(this.optionsOf(), this.context(secrets, name))
  }

  /** The context that core passes to an adapter, with these secrets, newest first, and this cookie name. */
  context(secrets: readonly string[] = [SECRETS[0]], name?: string): AdapterContext {
    return createAdapterContext({ secret: secrets, ...(name !== undefined && { cookie: { name } }) })
  }

  /** Makes a store with other options. Throws a `TypeError` if the adapter makes a server store. */
  make(options: object, context: AdapterContext = this.context()): ClientStore {
    const store = makeStore(this.harness, options, context)
    if (store.kind !== 'client') throw new TypeError('The adapter makes both client stores and server stores.')
    return store
  }

  /** The harness's options. */
  optionsOf(): object {
    return this.harness.options?.({ scope: 'conformance', address: '' }) ?? {}
  }

  /** There is nothing to release. */
  async close(): Promise<void> {}
}
