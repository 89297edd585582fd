// Serves sessions that have owners to the process that has forked it: `owner-process.js PACKAGE OPTIONS`, with the options as
// JSON. A message is a list of requests, which are handled at once; or asks how often the store was called, or how far the
// clock is ahead.
import { sessions } from '@sess/core'
import { createAdapterContext } from '@sess/core/adapter'
import { counted } from './counted.js'
import { answer } from './requests.js'

const SECRET = 'a secret for tests, of 32 bytes or more'

/**
 * @typedef {{ readonly id: number, readonly requests: readonly import('./requests.js').Request[] }} Requests
 * @typedef {{ readonly id: number, readonly ahead: number }} ClockSetting
 * @typedef {{ readonly id: number, readonly calls: true }} CallsQuestion
 */

const [name = '', options = '{}'] = process.argv.slice(2)
const { default: adapter } = /** @type {{ readonly default: import('@sess/core/adapter').Adapter }} */ (
  await import(name)
)
const given = /** @type {object} */ (JSON.parse(options))
const opened = adapter(given, createAdapterContext({ secret: SECRET }))
if (opened.kind !== 'server') throw new Error(`The ${name} store is not a server store.`)
const { store, calls } = counted(opened)

let ahead = 0
const sess = sessions(store, { secret: SECRET, owner: 'user', clock: () => Date.now() + ahead })

/** @param {Requests | ClockSetting | CallsQuestion} message */
async function reply(message) {
  if ('requests' in message) return Promise.all(message.requests.map((request) => answer(sess, request)))
  if ('ahead' in message) ahead = message.ahead
  return calls()
}

process.on('message', (/** @type {Requests | ClockSetting | CallsQuestion} */ message) => {
  void reply(message).then((answers) => process.send?.({ id: message.id, answers }))
})
// Ends with the tests, even if they are killed.
process.on('disconnect', () => process.exit())
process.send?.({ id: 0 })
