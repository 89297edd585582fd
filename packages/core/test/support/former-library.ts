import type { FormerData, FormerSession, FormerSessions } from '@sess/core/adapter'

/** Another library, whose cookie is `genuine.` and a session's id, and whose sessions are in its own store. */
export class FormerLibrary implements FormerSessions {
  readonly name = 'former'
  readonly cookies = [{ name: 'former.sid' }]
  readonly keep: boolean
  readonly stored = new Map<string, FormerData>()
  /** How often a session was read. */
  reads = 0
  /** What `end` rejects with. */
  failure: Error | undefined
  /** Called while a session is read. */
  onRead: () => void | Promise<void> = () => undefined

  constructor({ keep = false }: { readonly keep?: boolean } = {}) {
    this.keep = keep
  }

  /** Begins a session. Returns the value of its cookie. */
  begin(id: string, values: Readonly<Record<string, unknown>>, expiresAt?: number): string {
    this.stored.set(id, { values, expiresAt })
    return `genuine.${id}`
  }

  find(valuesOf: (name: string) => readonly string[]): FormerSession | undefined {
    const genuine = valuesOf('former.sid').find((value) => value.startsWith('genuine.'))
    if (genuine === undefined) return undefined
    const id = genuine.slice('genuine.'.length)
    return {
      id,
      read: async () => {
        this.reads++
        await this.onRead()
        return this.stored.get(id)
      },
      end: async () => {
        if (this.failure) throw this.failure
        this.stored.delete(id)
      },
    }
  }
}
