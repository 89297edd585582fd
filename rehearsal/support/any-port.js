// Loaded with --import: whichever port the program asks for, it listens on a free one of loopback, and tells which.
import { Server } from 'node:net'

const listen = Server.prototype.listen

/**
 * @this {Server}
 * @param {...unknown} args
 */
Server.prototype.listen = function (...args) {
  const listening = args.at(-1)
  return listen.call(this, 0, '127.0.0.1', () => {
    const address = this.address()
    console.log('port', typeof address === 'object' ? address?.port : address)
    if (typeof listening === 'function') listening()
  })
}
