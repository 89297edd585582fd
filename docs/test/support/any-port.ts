/** For Node's `--import`: a server listens on a free port, whichever the program asks for, and tells which. */
export const ANY_PORT: string = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net'
  const { listen } = Server.prototype
  Server.prototype.listen = function () {
    return listen.call(this, 0, '127.0.0.1', () => console.log('port', this.address().port))
  }
`)}`
