import type { DatabaseFile } from './database-file.js'
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
 * a write. If the commit fails, all of them fail.
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
      if (this.#writes.length === 0) setImmediate(() => void this.#commit())
      this.#writes.push({ run, reject })
    })
  }

  /** Never rejects: it settles each write. */
  async #commit(): Promise<void> {
    const writes = this.#writes
    this.#writes = []
    try {
      const done = await this.#queue.run(() => this.#file.use((content) => runAll(writes, content)))
      for (const resolve of done) resolve()
    } catch (error) {
      for (const { reject } of writes) reject(error)
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
