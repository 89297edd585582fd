// A million anonymous requests over real HTTP, and the heap after each hundred thousand of them.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { sessions } from '@sess/core'
import { Connection } from './client.js'
import { SECRET } from './session.js'

const [AMOUNT, STEPS, CONNECTIONS] = [1_000_000, 10, 50]

const sess = sessions('memory', { secret: SECRET })
const server = createServer((request, response) => {
  void sess
    .open(request, response)
    .then((session) => response.end(JSON.stringify({ visits: Number(session['visits'] ?? 0) })))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
const port = typeof address === 'object' && address !== null ? address.port : 0
const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(port, [])))

if (globalThis.gc === undefined) throw new Error('Run this by: npm run soak')
for (let step = 0; step <= STEPS; step++) {
  globalThis.gc()
  console.log(
    `${String((AMOUNT / STEPS) * step).padStart(9)} requests   ${(process.memoryUsage().heapUsed / 2 ** 20).toFixed(1)} MiB`,
  )
  if (step === STEPS) break
  let left = AMOUNT / STEPS
  await Promise.all(connections.map((connection) => connection.send(() => left-- > 0)))
}
for (const connection of connections) connection.close()
server.close()
await sess.close()
