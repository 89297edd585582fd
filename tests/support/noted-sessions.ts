import { type CoreOptions, type SessError, type Sessions, sessions, type Storable } from '@sess/core'
import { noted } from './noted-store.ts'

export const SECRET = 'a secret of at least thirty-two bytes'

/** Sessions in a memory store that notes its calls, and fails while `fails` is set. */
export class NotedSessions<D extends Storable<D>> {
  readonly calls: string[] = []
  fails: SessError | undefined
  readonly sess: Sessions<D>

  constructor(options: Partial<CoreOptions> = {}) {
    const adapter = noted((call) => {
      this.calls.push(call)
      if (this.fails) throw this.fails
    })
    this.sess = sessions(adapter, { secret: SECRET, onError: () => undefined, ...options })
  }
}
