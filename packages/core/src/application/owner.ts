import { SessError } from '../error.js'
import type { OwnerId } from '../owners/owner-id.js'
import type { Owners } from '../owners/owners.js'
import { describe } from '../options/check.js'
import { handleOf } from '../session/proxy.js'
import type { SessionSchema } from '../session/schema.js'
import type { AnyData, Session } from '../session/session.js'
import type { SessionStorage } from '../storage/storage.js'
import { detailsOf } from './details.js'
import type { OwnedSession, Owner } from './types.js'

type Which = { readonly except: Session<AnyData> } | { readonly id: string }

/** The sessions of one user. */
export class SessionOwner implements Owner<AnyData> {
  readonly #storage: SessionStorage
  readonly #owners: Owners
  readonly #id: OwnerId
  readonly #schema: SessionSchema | undefined

  constructor(storage: SessionStorage, owners: Owners, id: OwnerId, schema: SessionSchema | undefined) {
    this.#storage = storage
    this.#owners = owners
    this.#id = id
    this.#schema = schema
  }

  async sessions(): Promise<readonly OwnedSession<AnyData>[]> {
    const sessions = await this.#storage.withOwners(this.#owners, (owners) => owners.sessions(this.#id))
    return sessions.map(({ record }) => detailsOf(record, this.#storage, this.#schema))
  }

  async revoke(which?: Which): Promise<number> {
    if (which === undefined) return this.#revokeAll()
    if (typeof which === 'object' && which !== null) {
      if ('id' in which && typeof which.id === 'string') return this.#revokeOne(which.id)
      const handle = 'except' in which && which.except ? handleOf(which.except) : undefined
      if (handle !== undefined) {
        const ended = await this.#revokeAll(handle.key)
        // The request has ended the others, so it may log in itself.
        handle.beginAgain()
        return ended
      }
    }
    throw new SessError(
      'INVALID_VALUE',
      `revoke takes nothing, { except: session } or { id: '…' }; it was given ${describe(which)}. Nothing was ended.`,
    )
  }

  #revokeAll(exceptKey?: string): Promise<number> {
    return this.#storage.withOwners(this.#owners, (owners) => owners.revokeAll(this.#id, exceptKey))
  }

  #revokeOne(id: string): Promise<number> {
    return this.#storage.withOwners(this.#owners, (owners) => owners.revokeOne(this.#id, id))
  }
}
