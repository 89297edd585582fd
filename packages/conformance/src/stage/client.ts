import { type AdapterContext, type ClientStore, createAdapterContext, isSessError } from '@sess/core/adapter'
import { type Harness, makeStore } from '../harness.js'

export const SECRETS = [
  'the first secret of the conformance suite',
  'the second secret of the conformance suite',
  'the third secret of the conformance suite',
] as const

/** Options of the cookie that carries the tokens. */
export type CookieOptions = NonNullable<Parameters<typeof createAdapterContext>[0]['cookie']>

/** What one case of a client store works with: stores with different secrets and cookie names. */
export class ClientStage {
  /** The harness that the suite was given. */
  readonly harness: Harness

  constructor(harness: Harness) {
    this.harness = harness
  }

  /** Makes a store with the harness's options. `secrets`: newest first. `name`: the cookie's name. */
  open({ secrets, name }: { secrets?: readonly string[]; name?: string } = {}): ClientStore {
    return this.make(this.optionsOf(), this.context(secrets, name === undefined ? {} : { name }))
  }

  /** Makes a store for a cookie. `undefined`: the harness's options do not fit it, and the store refuses them. */
  openFor(cookie: CookieOptions): ClientStore | undefined {
    const options = this.optionsOf()
    try {
      return this.make(options, this.context([SECRETS[0]], cookie))
    } catch (error) {
      const isRefused = isSessError(error) && error.code === 'INVALID_OPTION'
      if (isRefused && Object.keys(options).length > 0) return undefined
      throw error
    }
  }

  /** The context that core passes to an adapter, with these secrets, newest first, and this cookie. */
  context(secrets: readonly string[] = [SECRETS[0]], cookie: CookieOptions = {}): AdapterContext {
    return createAdapterContext({ secret: secrets, cookie })
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
