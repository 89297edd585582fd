import { type AdapterContext, type ClientStore, createAdapterContext } from '@sess/core/adapter'
import { type Harness, makeStore } from './harness.js'

export const SECRETS = [
  'the first secret of the conformance suite',
  'the second secret of the conformance suite',
  'the third secret of the conformance suite',
] as const

/** What one case of a client store works with: stores of this secret or that. */
export class ClientStage {
  readonly harness: Harness

  constructor(harness: Harness) {
    this.harness = harness
  }

  /** `secrets`: newest first. `name`: the cookie's. */
  open({ secrets = [SECRETS[0]], name }: { secrets?: readonly string[]; name?: string } = {}): ClientStore {
    return this.make(this.optionsOf(), this.context(secrets, name))
  }

  context(secrets: readonly string[] = [SECRETS[0]], name?: string): AdapterContext {
    return createAdapterContext({ secret: secrets, ...(name !== undefined && { cookie: { name } }) })
  }

  make(options: object, context: AdapterContext = this.context()): ClientStore {
    const store = makeStore(this.harness, options, context)
    if (store.kind !== 'client') throw new TypeError('the adapter makes stores of two kinds')
    return store
  }

  optionsOf(): object {
    return this.harness.options?.({ scope: 'conformance', address: '' }) ?? {}
  }

  async close(): Promise<void> {}
}
