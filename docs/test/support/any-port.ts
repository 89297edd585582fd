/** A module for Node's `--import`: servers listen on a free port, not the one that the program requests, and print it. */
export const ANY_PORT: string = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net'
  const { listen } = Server.prototype
  Server.prototype.listen = function () {
    return listen.call(this, 0, '127.0.0.1', () => console.log('port', this.address().port))
  }
`)}`
