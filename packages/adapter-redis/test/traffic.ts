import { setTimeout as sleep } from 'node:timers/promises'
import { isSessError, type ServerStore, type Version } from '@sess/core/adapter'
import { expect } from 'vitest'
import { entry, SLACK } from '../../../tests/support/stores.ts'
import { PATIENCE } from './stores.ts'

const WRITERS = 12
const KEYS = 5

/** What the only writer of a key knows about it. */
class Ledger {
  readonly key: string
  /** The data of each version that a write resolved with. */
  readonly versions = new Map<Version, string>()
  /** All data that may have been written. */
  readonly attempted = new Set<string>()
  /** The data of the last write that resolved. `null`: no write has. */
  last: string | null = null

  constructor(key: string) {
    this.key = key
  }
}

/** Writers that keep calling the store through any failure, each on its own keys, and record faults. */
export class Traffic {
  readonly #store: ServerStore
  readonly #writers: readonly Promise<void>[]
  readonly #faults: string[] = []
  readonly #moved = new Set<string>()
  #failures = 0
  #isOver = false

  constructor(store: ServerStore) {
    this.#store = store
    this.#writers = Array.from({ length: WRITERS }, (_, id) => this.#write(id))
  }

  /** Resolves when every key has been written once more. */
  async flows(): Promise<void> {
    this.#moved.clear()
    await expect.poll(() => this.#moved.size, PATIENCE).toBe(WRITERS * KEYS)
  }

  /** Resolves when calls have failed and every key has been written since. */
  async flowsAgain(): Promise<void> {
    await expect.poll(() => this.#failures, PATIENCE).toBeGreaterThan(0)
    await this.flows()
  }

  /** Stops the writers. Resolves with the faults. */
  async end(): Promise<readonly string[]> {
    this.#isOver = true
    await Promise.all(this.#writers)
    return this.#faults
  }

  async #write(id: number): Promise<void> {
    const ledgers = Array.from({ length: KEYS }, (_, n) => new Ledger(`writer${id}-${n}`))
    for (let n = 0; !this.#isOver; n++) {
      for (const ledger of ledgers) await this.#turn(ledger, `${ledger.key} ${n}`)
      await sleep(5)
    }
  }

  async #turn(ledger: Ledger, data: string): Promise<void> {
    try {
      const found = await this.#call(() => this.#store.read(ledger.key))
      this.#check(ledger, found?.data ?? null, found?.version)
      ledger.attempted.add(data)
      const next = entry(data)
      const version = await this.#call(() =>
        found ? this.#store.update(ledger.key, next, found.version) : this.#store.create(ledger.key, next),
      )
      if (version === null) {
        this.#unlessFailed(`${data}: refused, although no other writer has that key`)
        return
      }
      ledger.versions.set(version, data)
      ledger.last = data
      this.#moved.add(ledger.key)
    } catch (error) {
      this.#failures++
      if (!isSessError(error) || error.code !== 'UNAVAILABLE') this.#faults.push(`${data}: ${String(error)}`)
    }
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    const began = performance.now()
    try {
      return await call()
    } finally {
      const ms = performance.now() - began
      if (ms > this.#store.deadline + SLACK) this.#faults.push(`a call took ${ms} ms`)
    }
  }

  #check(ledger: Ledger, data: string | null, version: Version = ''): void {
    if (data !== ledger.last) this.#unlessFailed(`${ledger.key} has ${data}, but ${ledger.last} was written last`)
    if (data !== null && !ledger.attempted.has(data))
      this.#faults.push(`${ledger.key} has ${data}, which was never written`)
    if (data !== (ledger.versions.get(version) ?? data))
      this.#faults.push(`${ledger.key} has ${data} under version ${version}`)
  }

  /**
   * A failover may lose the last write, and a write that failed may have been executed. Both are faults only if no call
   * has failed before.
   */
  #unlessFailed(fault: string): void {
    if (this.#failures === 0) this.#faults.push(fault)
  }
}
