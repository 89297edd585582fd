import { Writable } from 'node:stream'
import { gatherWrites } from '@sess/core/adapter'
import { Command } from 'ioredis'
import { failure } from './error.js'

/**
 * A command that is written before it is due or never, whichever queue of ioredis it waits in: a command that has
 * failed for its caller must not be executed when the server is back.
 */
export class TimedCommand extends Command {
  readonly #due: number
  readonly #isLone: boolean

  /** `due`: when the command is late (`performance.now()`). */
  constructor(name: string, args: (string | number)[], due: number, isLone = false, keyPrefix = '') {
    super(name, args, { keyPrefix, replyEncoding: 'utf8' })
    this.#due = due
    this.#isLone = isLone
  }

  /** ioredis calls this when it is about to write the command. */
  override toWritable(socket: object): string | Buffer {
    if (!this.#isLone && socket instanceof Writable) gatherWrites(socket)
    if (performance.now() >= this.#due) {
      this.reject(failure('ETIMEDOUT', 'The command could not be sent in time.'))
      // ioredis writes what this returns and waits for a reply, so a late command becomes a PING.
      this.name = 'ping'
      this.args = []
    }
    return super.toWritable(socket)
  }
}
