// What sealing and opening a session of the cookie store costs, as ratios in one run: to iron-session, and to bare
// AES-256-GCM. Contestants take turns in short batches, so that a machine that grows slower does so for all.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import cookie from '@sess/adapter-cookie'
import { createAdapterContext } from '@sess/core/adapter'
import { sealData, unsealData } from 'iron-session'
import { quantile } from 'simple-statistics'
import { SECRET, SESSION } from './session.js'

const ROUNDS = 60
const WARM_UP_ROUNDS = 5

const data = JSON.stringify(SESSION)
const expiresAt = Date.now() + 60 * 60 * 1000
const store = cookie({}, createAdapterContext({ secret: SECRET }))
if (store.kind !== 'client') throw new Error('The cookie store is a client store.')
const key = randomBytes(32)

/** Name, how often in a batch, what. @type {readonly [string, number, () => unknown][]} */
const contestants = [
  ['@sess', 1000, () => store.open(store.seal({ data, expiresAt }))],
  [
    'bare AES-256-GCM',
    1000,
    () => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
      const sealed = Buffer.concat([nonce, cipher.update(data, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
        'base64url',
      )
      const bytes = Buffer.from(sealed, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
      decipher.setAuthTag(bytes.subarray(-16))
      return decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8')
    },
  ],
  ['iron-session', 25, async () => unsealData(await sealData(SESSION, { password: SECRET }), { password: SECRET })],
]

/** @type {Map<string, number[]>} microseconds for one seal and open, by round */
const times = new Map(contestants.map(([name]) => [name, []]))
for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
  for (const [name, amount, work] of contestants.toSorted(() => Math.random() - 0.5)) {
    const began = performance.now()
    for (let count = 0; count < amount; count++) await work()
    if (round >= 0) times.get(name)?.push(((performance.now() - began) * 1000) / amount)
  }
}

/** @param {string} one @param {string} other */
function ratios(one, other) {
  const all = times.get(one).map((time, round) => time / times.get(other)[round])
  const [low, median, high] = [0.25, 0.5, 0.75].map((part) => quantile(all, part).toFixed(2))
  return `${median} (${low}–${high})`
}

console.log(
  `Seal and open ${Buffer.byteLength(data)} bytes, ${ROUNDS} rounds; medians of the ratios, with their quartiles\n`,
)
console.log(`@sess / bare AES-256-GCM   ${ratios('@sess', 'bare AES-256-GCM')}   at most 2`)
console.log(`iron-session / @sess       ${ratios('iron-session', '@sess')}   at least 30`)
