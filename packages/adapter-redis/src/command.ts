import { Writable } from 'node:stream'
import { gatherWrites } from '@sess/core/adapter'
import { Command } from 'ioredis'

/**
 * A command that is written before it is due or not at all, whichever queue of ioredis it waited in: a caller who was
 * told that it failed must not find it done when the server is back.
 */
export class TimedCommand extends Command {
  readonly #due: number

  /** `due` by `performance.now()`. */
  constructor(name: string, args: (string | number)[], due: number, keyPrefix = '') {
    super(name, args, { keyPrefix, replyEncoding: 'utf8' })
    this.#due = due
  }

  /** Called by ioredis when it is about to write the command. */
  override toWritable(socket: object): string | Buffer {
    if (socket instanceof Writable) gatherWrites(socket)
    if (performance.now() >= this.#due) {
      this.reject(new Error('The command waited too long.'))
      // ioredis writes something in any case, and waits for the reply to it.
      this.name = 'ping'
      this.args = []
    }
    return super.toWritable(socket)
  }
}
