import { randomUUID } from 'node:crypto'
import { createAdapterContext, type Entry, type ServerStore, type Stored, type Version } from '@sess/core/adapter'
import { Breach, expectThat, show } from '../breach.js'
import { type FaultProxy, startFaultProxy } from '../faults/proxy.js'
import { type Backend, type Harness, makeStore, release } from '../harness.js'
import { runOutside } from './case-context.js'
import { Pace } from './pace.js'
import { waitFor } from './within-deadline.js'

const HOUR = 3_600_000

/** An entry that does not expire while the suite runs. */
export function entry(data: string, expiresAt: number = Date.now() + 24 * HOUR): Entry {
  return { data, expiresAt }
}

/** What one case works with: fresh scopes, instances on them, and what may be done to the backend. */
export class ServerStage {
  /** The harness that the suite was given. */
  readonly harness: Harness
  /** What may be done to the backend. Empty if it is in the process. */
  readonly backend: Backend
  /** The case's own scope. */
  readonly scope: string = newScope()
  /** How long the case's calls take. */
  readonly pace: Pace = new Pace()
  readonly #stores: ServerStore[] = []
  readonly #undo: (() => Promise<void> | void)[] = []

  constructor(harness: Harness) {
    this.harness = harness
    this.backend = typeof harness.backend === 'object' ? this.#watched(harness.backend) : {}
  }

  /** Makes a new stage, to run a case within a case. */
  another(): ServerStage {
    return new ServerStage(this.harness)
  }

  /** Returns a new scope, different from `this.scope`. */
  newScope(): string {
    return newScope()
  }

  /** Opens an instance on a scope. It is closed with the stage. */
  open(scope: string = this.scope, address: string = this.backend.tcp ?? ''): ServerStore {
    const store = this.make(this.optionsOf(scope, address))
    this.#stores.push(store)
    return this.pace.timed(store, address)
  }

  /**
   * Makes an instance with other options, exactly as the adapter returns it. The case must close it. Throws a
   * `TypeError` if it is a client store.
   */
  make(options: object): ServerStore {
    const store = makeStore(this.harness, options, CONTEXT)
    if (store.kind !== 'server') throw new TypeError('The adapter makes both client stores and server stores.')
    this.pace.watch(store)
    return store
  }

  /** The harness's options for an instance on a scope, at an address (`host:port`). */
  optionsOf(scope: string = this.scope, address: string = this.backend.tcp ?? ''): object {
    return this.harness.options?.({ scope, address }) ?? {}
  }

  /** Opens an instance that `faults` can cut off from the backend. */
  async openFaulty(): Promise<{ store: ServerStore; faults: Faults }> {
    const { faults, address } = await this.faults()
    return { store: this.open(this.scope, address), faults }
  }

  /** What cuts instances at that address off from the backend. */
  async faults(): Promise<{ faults: Faults; address: string }> {
    const { tcp, stop, start } = this.backend
    if (tcp === undefined) {
      if (!stop || !start) throw new TypeError('The harness cannot make this backend fail.')
      this.cleanUp(start)
      return { faults: { begin: async () => stop(), end: async () => start() }, address: '' }
    }
    const proxy = await this.proxy()
    return {
      faults: { begin: () => proxy.set('refuse'), end: () => proxy.set('none'), proxy },
      address: proxy.address,
    }
  }

  /** Starts a fault proxy in front of the backend. It is closed with the stage. */
  async proxy(): Promise<FaultProxy> {
    const proxy = await runOutside(() => startFaultProxy(this.backend.tcp ?? ''))
    this.cleanUp(() => proxy.close())
    return {
      host: proxy.host,
      port: proxy.port,
      address: proxy.address,
      get connections() {
        return proxy.connections
      },
      set: (fault) => {
        if (fault !== 'none') this.pace.disturb(proxy.address)
        return runOutside(() => proxy.set(fault))
      },
      close: () => proxy.close(),
    }
  }

  /** Registers an action to run when the stage is closed. The last one registered runs first. */
  cleanUp(undo: () => Promise<void> | void): void {
    this.#undo.push(undo)
  }

  /** Runs the registered actions and closes the instances. */
  async close(): Promise<void> {
    for (const undo of this.#undo.splice(0).toReversed()) await undo()
    // Only clause 7.5 checks whether a store closes.
    await Promise.all(this.#stores.map((store) => waitFor(store, release(store))))
  }

  /** Creates an entry. Throws a `Breach` if the store refuses it. */
  async create(store: ServerStore, key: string, given: Entry): Promise<Version> {
    return expectVersion(() => `create(${show(key)}, ${show(given)})`, await store.create(key, given))
  }

  /** Updates an entry at its current version. Throws a `Breach` if the store refuses it. */
  async update(store: ServerStore, key: string, given: Entry, version: Version): Promise<Version> {
    const done = () => `update(${show(key)}, ${show(given)}) with the current version`
    return expectVersion(done, await store.update(key, given, version))
  }

  /** Reads an entry. Throws a `Breach` if it is missing or malformed. */
  async read(store: ServerStore, key: string, when = ''): Promise<Stored> {
    const found = await store.read(key)
    const done = `read(${show(key)})${when && ` ${when}`}`
    expectThat(found !== null && found !== undefined, done, 'the entry', found)
    const { data, expiresAt, version } = found
    expectThat(
      typeof data === 'string' && typeof expiresAt === 'number' && typeof version === 'string' && version !== '',
      done,
      'an entry with data, expiresAt and version of the right types',
      found,
    )
    return found
  }

  /** What may be done to the backend, with a note of what disturbs it. What the harness starts is not the store's. */
  #watched({ stop, start, restart, evict, plant, fill, forbidWrites, withClock, ...rest }: Backend): Backend {
    const disturbing =
      <A extends readonly unknown[], T>(act: (...args: A) => Promise<T> | T) =>
      async (...args: A): Promise<T> => {
        this.pace.disturb()
        return runOutside(() => act(...args))
      }
    return {
      ...rest,
      ...(stop && { stop: disturbing(stop) }),
      ...(start && { start: disturbing(start) }),
      ...(restart && { restart: disturbing(restart) }),
      ...(evict && { evict: disturbing(evict) }),
      ...(fill && { fill: disturbing(fill) }),
      ...(forbidWrites && { forbidWrites: disturbing(forbidWrites) }),
      ...(withClock && { withClock: (ahead) => runOutside(() => withClock(ahead)) }),
      ...(plant && { plant: (...args) => runOutside(() => plant(...args)) }),
    }
  }
}

export interface Faults {
  /** Makes the backend unreachable. */
  readonly begin: () => Promise<void>
  /** Makes the backend reachable again. */
  readonly end: () => Promise<void>
  /** Given if the backend is reached over TCP. */
  readonly proxy?: FaultProxy
}

const CONTEXT = createAdapterContext({ secret: 'a secret of the conformance suite, long enough' })

let scopes = 0
const run = randomUUID().slice(0, 8)

/** Returns a scope that no other run uses, so that no run finds the entries of another. */
function newScope(): string {
  return `conf${run}x${(++scopes).toString(36)}`
}

function expectVersion(done: () => string, came: Version | null): Version {
  if (typeof came === 'string' && came !== '') return came
  throw new Breach(done(), 'a version', show(came))
}
