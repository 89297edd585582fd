import type { DatabaseFile } from './database-file.js'
import { isFull } from './failure.js'
import type { LockQueue } from './lock-queue.js'

interface Transactional {
  /** Runs `work` as one transaction, which takes the lock when it begins. */
  readonly transact: (work: () => void) => void
}

interface Write<T> {
  /** Does the write. Returns a function that resolves its promise, to be called after the commit. */
  readonly run: (content: T) => () => void
  readonly reject: (error: unknown) => void
}

/**
 * Commits the writes of one turn of the event loop together, because lock, log and flush are the most expensive part of
 * a write. If the commit fails, all of them fail, unless the disk is full: then each is committed by itself, because a
 * logout may fit where a large session does not.
 */
export class GroupCommit<T extends Transactional> {
  readonly #file: DatabaseFile<T>
  readonly #queue: LockQueue
  #writes: Write<T>[] = []

  constructor(file: DatabaseFile<T>, queue: LockQueue) {
    this.#file = file
    this.#queue = queue
  }

  run<R>(work: (content: T) => R): Promise<R> {
    return new Promise((resolve, reject) => {
      const run = (content: T) => {
        const result = work(content)
        return () => resolve(result)
      }
      if (this.#writes.length === 0) setImmediate(() => this.#commitAll())
      this.#writes.push({ run, reject })
    })
  }

  #commitAll(): void {
    const writes = this.#writes
    this.#writes = []
    void this.#commit(writes, performance.now())
  }

  /** Never rejects: it settles each write. `began`: since when the writes wait. */
  async #commit(writes: readonly Write<T>[], began: number): Promise<void> {
    try {
      const done = await this.#queue.run(() => this.#file.use((content) => runAll(writes, content)), began)
      for (const resolve of done) resolve()
    } catch (error) {
      if (isFull(error) && writes.length > 1) for (const write of writes) void this.#commit([write], began)
      else for (const { reject } of writes) reject(error)
    }
  }
}

function runAll<T extends Transactional>(writes: readonly Write<T>[], content: T): readonly (() => void)[] {
  const [first] = writes
  // A single statement is a transaction already.
  if (first !== undefined && writes.length === 1) return [first.run(content)]
  let done: readonly (() => void)[] = []
  content.transact(() => (done = writes.map(({ run }) => run(content))))
  return done
}
