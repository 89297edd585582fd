// Runs one contestant in its own process, so that code optimized or deoptimized for another one does not affect it.
import { once } from 'node:events'
import { placeIn } from './backends.js'
import { contestantsOn, serverOf } from './contestants/index.js'
import { sessionOf } from './session.js'
import { countStatements } from './statements.js'
import { answer, say } from './worker.js'

const [, , store = '', name = '', where = '', bytes = ''] = process.argv
const contestant = contestantsOn(store).find((one) => one.name === name)
if (contestant === undefined) throw new Error(`There is no contestant ${name} on ${store}.`)

const server = await serverOf(contestant, { place: placeIn(where), session: sessionOf(Number(bytes)) })
// A contestant's connections stay open during the turns of the others.
Object.assign(server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })
server.listen(0, '127.0.0.1')
await once(server, 'listening')

answer({
  /** Microseconds of CPU time so far. */
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  statements: countStatements,
})
say(server.address().port)
