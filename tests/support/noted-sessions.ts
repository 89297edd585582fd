import { randomUUID } from 'node:crypto'
import memory from '@sess/adapter-memory'
import { type CoreOptions, type SessError, type Sessions, sessions, type Storable } from '@sess/core'
import type { Adapter } from '@sess/core/adapter'

export const SECRET = 'a secret of at least thirty-two bytes'

/** Sessions in a memory store that notes its calls, and fails while `fails` is set. */
export class NotedSessions<D extends Storable<D>> {
  readonly calls: string[] = []
  fails: SessError | undefined
  readonly sess: Sessions<D>

  constructor(options: Partial<CoreOptions> = {}) {
    const scope = randomUUID()
    const adapter: Adapter = (_, context) => {
      const inner = memory({ scope }, context)
      if (inner.kind !== 'server') throw new Error('It is a server store.')
      const noted = <A extends readonly unknown[], R>(name: string, call: (...args: A) => Promise<R>) => {
        return async (...args: A): Promise<R> => {
          this.calls.push(name)
          if (this.fails) throw this.fails
          return call(...args)
        }
      }
      return {
        ...inner,
        create: noted('create', inner.create.bind(inner)),
        read: noted('read', inner.read.bind(inner)),
        update: noted('update', inner.update.bind(inner)),
        destroy: noted('destroy', inner.destroy.bind(inner)),
      }
    }
    this.sess = sessions(adapter, { secret: SECRET, onError: () => undefined, ...options })
  }
}
