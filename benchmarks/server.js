// One contestant in a process of its own, so that none runs on code that was optimised, or spoilt, for another.
import { once } from 'node:events'
import { placeIn } from './backends.js'
import { contestantsOn, serverOf } from './contestants/index.js'
import { sessionOf } from './session.js'
import { countStatements } from './statements.js'
import { answer, say } from './worker.js'

const [, , store = '', name = '', where = '', bytes = ''] = process.argv
const contestant = contestantsOn(store).find((one) => one.name === name)
if (contestant === undefined) throw new Error(`There is no ${name} on ${store}.`)

const server = await serverOf(contestant, { place: placeIn(where), session: sessionOf(Number(bytes)) })
// While its rivals have their turn, a contestant's connections stay.
Object.assign(server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })
server.listen(0, '127.0.0.1')
await once(server, 'listening')

answer({
  /** Microseconds of processor time so far. */
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  statements: countStatements,
})
say(server.address().port)
