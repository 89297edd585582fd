import { once } from 'node:events'
import { connect } from 'node:net'

const HEAD = /^HTTP\/1\.1 200 [^]*?\r\n\r\n/
/** The body, with a content length or chunked. */
const BODY = /^(?:\{"visits":\d+\}|[0-9a-f]+\r\n\{"visits":\d+\}\r\n0\r\n\r\n)$/

/** A client connection that takes so little CPU time that the server never waits for it. */
export class Connection {
  #socket

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket
  }

  /** @param {number} port */
  static async open(port) {
    const socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1')
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /**
   * Sends the same request again after each complete answer, until `next` returns false.
   *
   * @param {string} request
   * @param {() => boolean} next
   * @param {(ms: number) => void} [onAnswer]
   */
  async send(request, next, onAnswer) {
    let answer = ''
    let sent = 0
    await new Promise((resolve, reject) => {
      const step = () => {
        if (next()) {
          sent = performance.now()
          this.#socket.write(request)
        } else resolve(undefined)
      }
      this.#socket.on('close', () => reject(new Error(`The server closed the connection after: ${answer}`)))
      this.#socket.on('data', (text) => {
        answer += String(text)
        const [head] = HEAD.exec(answer) ?? []
        if (head === undefined) {
          if (answer.includes('\r\n\r\n')) reject(new Error(`The server answered: ${answer}`))
          return
        }
        if (!BODY.test(answer.slice(head.length))) return
        answer = ''
        onAnswer?.(performance.now() - sent)
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
