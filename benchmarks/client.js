import { once } from 'node:events'
import { connect } from 'node:net'

/** An answer with its length or in chunks, whose only chunk is short. */
const WHOLE = /^HTTP\/1\.1 200 .*\r\n\r\n(?:\{"visits":\d+\}|[0-9a-f]+\r\n\{"visits":\d+\}\r\n0\r\n\r\n)$/s

/**
 * One connection of a client that costs next to nothing, so that the server never waits for it: it sends the
 * same bytes again as soon as their answer is whole.
 */
export class Connection {
  #socket
  #request

  /**
   * @param {import('node:net').Socket} socket
   * @param {string} request
   */
  constructor(socket, request) {
    this.#socket = socket
    this.#request = request
  }

  /**
   * @param {number} port
   * @param {readonly string[]} headers
   */
  static async open(port, headers) {
    const socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1')
    await once(socket, 'connect')
    return new Connection(socket, `${['GET / HTTP/1.1', `Host: 127.0.0.1:${port}`, ...headers].join('\r\n')}\r\n\r\n`)
  }

  /**
   * Sends requests one after the other for as long as `next` says so.
   *
   * @param {() => boolean} next
   */
  async send(next) {
    let answer = ''
    await new Promise((resolve, reject) => {
      const step = () => (next() ? this.#socket.write(this.#request) : resolve(undefined))
      this.#socket.on('close', () => reject(new Error(`The server answered: ${answer}`)))
      this.#socket.on('data', (text) => {
        answer += String(text)
        if (!WHOLE.test(answer)) return
        answer = ''
        step()
      })
      step()
    })
    this.#socket.removeAllListeners('data').removeAllListeners('close')
  }

  close() {
    this.#socket.destroy()
  }
}
