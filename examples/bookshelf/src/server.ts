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
  console.log(`Bookshelf runs at http://127.0.0.1:${port}/ with the '${config.store}' store. Press Ctrl-C to stop it.`)

  // Ctrl-C arrives twice: from the terminal, and forwarded by npm.
  let stopping: Promise<void> | undefined
  const stop = () => void (stopping ??= application.close())
  process.on('SIGINT', stop).on('SIGTERM', stop)
} catch (error) {
  console.error(`Bookshelf did not start: ${error instanceof Error ? error.message : String(error)}`)
  console.error('Its environment variables are described in examples/bookshelf/README.md.')
  process.exitCode = 1
}
