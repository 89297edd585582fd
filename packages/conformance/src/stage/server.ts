import { randomUUID } from 'node:crypto'
import { createAdapterContext, type Entry, type ServerStore, type Stored, type Version } from '@sess/core/adapter'
import { Breach, expectThat, show } from '../breach.js'
import { type FaultProxy, startFaultProxy } from '../faults/proxy.js'
import { type Backend, type Harness, makeStore } from '../harness.js'
import { withinDeadline } from './within-deadline.js'

const HOUR = 3_600_000

/** An entry that does not expire while the suite runs. */
export function entry(data: string, expiresAt: number = Date.now() + 24 * HOUR): Entry {
  return { data, expiresAt }
}

/** What one case works with: fresh scopes, instances on them, and what may be done to the backend. */
export class ServerStage {
  /** What the author says of the adapter. */
  readonly harness: Harness
  /** What may be done to the backend; nothing, where it is in the process. */
  readonly backend: Backend
  /** A scope of the case's own. */
  readonly scope: string = newScope()
  readonly #stores: ServerStore[] = []
  readonly #undo: (() => Promise<void> | void)[] = []

  constructor(harness: Harness) {
    this.harness = harness
    this.backend = harness.backend === undefined || harness.backend === 'in-process' ? {} : harness.backend
  }

  /** For a case within a case. */
  another(): ServerStage {
    return new ServerStage(this.harness)
  }

  /** A scope beside `this.scope`. */
  newScope(): string {
    return newScope()
  }

  /** An instance on a scope. It is closed with the stage. */
  open(scope: string = this.scope, address: string = this.backend.tcp ?? ''): ServerStore {
    const store = this.make(this.optionsOf(scope, address))
    this.#stores.push(store)
    return store
  }

  /** An instance of other options, for the case to close. Throws a `TypeError` where the adapter makes a client store. */
  make(options: object): ServerStore {
    const store = makeStore(this.harness, options, CONTEXT)
    if (store.kind !== 'server') throw new TypeError('the adapter makes stores of two kinds')
    return store
  }

  /** The harness's options for an instance on a scope, at an address (`host:port`). */
  optionsOf(scope: string = this.scope, address: string = this.backend.tcp ?? ''): object {
    return this.harness.options?.({ scope, address }) ?? {}
  }

  /** An instance that can be cut off from the backend, and how. */
  async openFaulty(): Promise<{ store: ServerStore; faults: Faults }> {
    const { tcp, stop, start } = this.backend
    if (tcp === undefined) {
      if (!stop || !start) throw new TypeError('this backend cannot be made to fail')
      this.cleanUp(start)
      return { store: this.open(), faults: { begin: async () => stop(), end: async () => start() } }
    }
    const proxy = await this.proxy()
    const store = this.open(this.scope, proxy.address)
    return { store, faults: { begin: () => proxy.set('refuse'), end: () => proxy.set('none'), proxy } }
  }

  /** A fault proxy before the backend. It is closed with the stage. */
  async proxy(): Promise<FaultProxy> {
    const proxy = await startFaultProxy(this.backend.tcp ?? '')
    this.cleanUp(() => proxy.close())
    return proxy
  }

  /** Has something undone when the stage is closed: the last first. */
  cleanUp(undo: () => Promise<void> | void): void {
    this.#undo.push(undo)
  }

  /** Undoes what was done, and closes the instances. */
  async close(): Promise<void> {
    for (const undo of this.#undo.splice(0).toReversed()) await undo()
    // That a store does not close is for clause 7.5 to say.
    await Promise.allSettled(this.#stores.map((store) => withinDeadline(store, 'close', async () => store.close())))
  }

  /** Creates an entry that must be taken. */
  async create(store: ServerStore, key: string, given: Entry): Promise<Version> {
    return expectVersion(() => `create(${show(key)}, ${show(given)})`, await store.create(key, given))
  }

  /** Updates an entry that must be at that version. */
  async update(store: ServerStore, key: string, given: Entry, version: Version): Promise<Version> {
    const done = () => `update(${show(key)}, ${show(given)}) with the current version`
    return expectVersion(done, await store.update(key, given, version))
  }

  /** Reads an entry that must be there. */
  async read(store: ServerStore, key: string, when = ''): Promise<Stored> {
    const found = await store.read(key)
    const done = `read(${show(key)})${when && ` ${when}`}`
    expectThat(found !== null && found !== undefined, done, 'the entry', found)
    const { data, expiresAt, version } = found
    expectThat(
      typeof data === 'string' && typeof expiresAt === 'number' && typeof version === 'string' && version !== '',
      done,
      'data, expiresAt and a version, of their types',
      found,
    )
    return found
  }
}

export interface Faults {
  /** The backend cannot be reached. */
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
  /** Where the backend is reached by TCP. */
  readonly proxy?: FaultProxy
}

const CONTEXT = createAdapterContext({ secret: 'a secret of the conformance suite, long enough' })

let scopes = 0
const run = randomUUID().slice(0, 8)

/** No run finds what another has left behind. */
function newScope(): string {
  return `conf${run}x${(++scopes).toString(36)}`
}

function expectVersion(done: () => string, came: Version | null): Version {
  if (typeof came === 'string' && came !== '') return came
  throw new Breach(done(), 'a version', show(came))
}
