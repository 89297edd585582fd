// One contestant in a process of its own, so that none runs on code that was optimised, or spoilt, for another.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { contestants } from './contestants.js'

const contestant = contestants[process.argv[2] ?? '']?.()
if (contestant === undefined || process.send === undefined) throw new Error('This is started by requests.js.')
const { start = contestant.handle, handle } = contestant

// While its rivals have their turn, a contestant's connections stay.
const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
  void (request.url === '/start' ? start : handle)(request, response)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
process.send({ port: typeof address === 'object' ? address?.port : undefined })
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }))
process.on('disconnect', () => process.exit())
