import { once } from 'node:events'
import { Application } from './application.js'
import { readConfig } from './config.js'

try {
  const config = readConfig(process.env)
  const application = new Application(config)
  application.server.listen(config.port, '127.0.0.1')
  await once(application.server, 'listening')

  const address = application.server.address()
  const port = typeof address === 'object' ? address?.port : config.port
  console.log(`Bookshelf is at http://127.0.0.1:${port}/, its sessions on '${config.store}'. Stop it with Ctrl-C.`)

  // npm passes a signal on that the terminal has sent as well.
  let stopping: Promise<void> | undefined
  const stop = () => void (stopping ??= application.close())
  process.on('SIGINT', stop).on('SIGTERM', stop)
} catch (error) {
  console.error(`Bookshelf did not start: ${error instanceof Error ? error.message : String(error)}`)
  console.error('What it can be told by environment variables is in examples/bookshelf/README.md.')
  process.exitCode = 1
}
