import { type Sessions, sessions } from '@sess/core'
import { isSessError, type ServerStore } from '@sess/core/adapter'
import { SECRET } from './backends.ts'

type Request = 'write' | 'logout'

/** How the write ended: stored in the session, refused, or stored in a new session. */
export type Ending = 'stored' | 'conflict' | 'begun'

interface Step {
  readonly by: Request
  readonly method: 'create' | 'read' | 'update' | 'destroy'
  /** The store found, made or changed something. */
  readonly isDone: boolean
}

export interface Aftermath {
  readonly steps: readonly Step[]
  readonly ending: Ending
  /** The values that the logged-out cookie opens. */
  readonly opened: object
  /** The values that the write's new cookie opens, if it got one. */
  readonly begun: object | undefined
  /** The session's key has no entry, or one that has expired. */
  readonly isGone: boolean
}

/**
 * A write to a session and a logout from it, as in two processes, one store call at a time. A request whose call was
 * answered runs until its next call. Once both requests wait, `schedule` decides whose call is next: one bit for each
 * choice, lowest bit first, 0 for the write.
 */
export class Duel {
  readonly #store: ServerStore
  readonly #writer: Sessions
  readonly #leaver: Sessions
  #schedule: number
  /** Requests in progress. */
  readonly #running = new Set<Request>()
  readonly #waiting = new Map<Request, () => void>()
  readonly #steps: Step[] = []
  #key = ''

  /** `stores`: the same store, opened twice, as by two processes. */
  constructor([writers, leavers]: readonly [ServerStore, ServerStore], schedule: number) {
    this.#store = writers
    this.#writer = sessions(this.#inTurn(writers, 'write'), { secret: SECRET })
    this.#leaver = sessions(this.#inTurn(leavers, 'logout'), { secret: SECRET })
    this.#schedule = schedule
  }

  async fight(): Promise<Aftermath> {
    const cookie = await this.#begin()
    this.#running.add('write').add('logout')
    const [written] = await Promise.all([
      this.#run('write', () => this.#write(cookie)),
      this.#run('logout', () => this.#logout(cookie)),
    ])
    const found = await this.#store.read(this.#key)
    return {
      steps: this.#steps,
      ending: written.ending,
      opened: await this.#show(cookie),
      begun: written.cookie === undefined ? undefined : await this.#show(written.cookie),
      isGone: found === null || found.expiresAt <= Date.now(),
    }
  }

  async #begin(): Promise<string> {
    const exchange = this.#writer.exchange(null)
    const session = await exchange.open()
    session['user'] = 'somebody'
    return cookieIn(await exchange.commit(200)) ?? ''
  }

  async #write(cookie: string): Promise<{ ending: Ending; cookie: string | undefined }> {
    const exchange = this.#writer.exchange(cookie)
    const session = await exchange.open()
    session['note'] = 'written'
    try {
      const given = cookieIn(await exchange.commit(200))
      return { ending: given === undefined ? 'stored' : 'begun', cookie: given }
    } catch (error) {
      if (isSessError(error) && error.code === 'CONFLICT') return { ending: 'conflict', cookie: undefined }
      throw error
    }
  }

  async #logout(cookie: string): Promise<void> {
    const exchange = this.#leaver.exchange(cookie)
    const session = await exchange.open()
    session.destroy()
    await exchange.commit(200)
  }

  async #show(cookie: string): Promise<object> {
    return { ...(await this.#leaver.exchange(cookie).open()) }
  }

  async #run<T>(request: Request, handle: () => Promise<T>): Promise<T> {
    try {
      return await handle()
    } finally {
      this.#running.delete(request)
      this.#proceed()
    }
  }

  /** The store, where each call of a request in progress waits for its turn. */
  #inTurn(store: ServerStore, by: Request): ServerStore {
    const call = async <T>(method: Step['method'], key: string, make: () => Promise<T>): Promise<T> => {
      if (!this.#running.has(by)) {
        if (method === 'create') this.#key = key
        return make()
      }
      await new Promise<void>((resolve) => {
        this.#waiting.set(by, resolve)
        this.#proceed()
      })
      const result = await make()
      this.#steps.push({ by, method, isDone: result !== null })
      return result
    }
    return {
      ...store,
      create: (key, entry) => call('create', key, () => store.create(key, entry)),
      read: (key) => call('read', key, () => store.read(key)),
      update: (key, entry, version) => call('update', key, () => store.update(key, entry, version)),
      destroy: (key) => call('destroy', key, () => store.destroy(key)),
    }
  }

  #proceed(): void {
    if (this.#waiting.size === 0 || this.#waiting.size < this.#running.size) return
    const next = this.#choose()
    const proceed = this.#waiting.get(next)
    this.#waiting.delete(next)
    proceed?.()
  }

  #choose(): Request {
    if (this.#waiting.size === 1) return this.#waiting.has('write') ? 'write' : 'logout'
    const bit = this.#schedule & 1
    this.#schedule >>= 1
    return bit === 0 ? 'write' : 'logout'
  }
}

function cookieIn(headers: readonly (readonly [string, string])[]): string | undefined {
  const line = headers.find(([name]) => name === 'set-cookie')?.[1]
  return line?.split(';')[0]
}

/** How the write must end after calls in this order. */
export function rightEnding(steps: readonly Step[]): Ending {
  const ended = steps.findIndex(({ by, method, isDone }) => by === 'logout' && method === 'update' && isDone)
  const read = steps.findIndex(({ by, method }) => by === 'write' && method === 'read')
  const stored = steps.findIndex(({ by, method, isDone }) => by === 'write' && method === 'update' && isDone)
  if (read > ended) return 'begun'
  return stored !== -1 && stored < ended ? 'stored' : 'conflict'
}

/** The order of the first two calls of the write, the first two of the logout, and the logout's last: `wwlll`, say. */
export function orderOf(steps: readonly Step[]): string {
  const seen = { write: 0, logout: 0 }
  const order = steps.map(({ by, method }) => {
    const isCounted = ++seen[by] <= 2 || method === 'destroy'
    return isCounted ? by.charAt(0) : ''
  })
  return order.join('')
}
