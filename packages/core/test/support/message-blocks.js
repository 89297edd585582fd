// Uses sessions in every way, and prints how often V8 ran each place of core's built code that makes a message: a process of its
// own, since V8 counts blocks only in functions that it compiles from then on. With the argument `listening`, somebody listens.
import { subscribe, tracingChannel } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { Session as Inspector } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url))
const SECRET = 'a secret of the tests, of 32 bytes or more'
const HOUR = 60 * 60 * 1000

/** Makes a message, or has one made. */
const BUILDS = /\.publish\(|\.runStores\(|\btraced\(|\breport\.\w+ = |const message = \{/g

const inspector = new Inspector()
inspector.connect()
await inspector.post('Profiler.enable')
await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

const { sessions } = await import('@sess/core')
if (process.argv[2] === 'listening') listen()
let now = Date.UTC(2030, 0)
const clock = () => now
await use(sessions('memory', { secret: SECRET, owner: 'user', maxPerOwner: 1, clock }))
await use(sessions('cookie', { secret: SECRET, clock }))

const { result } = await inspector.post('Profiler.takePreciseCoverage')
process.stdout.write(JSON.stringify(result.flatMap(countsIn)))

function listen() {
  const hear = () => undefined
  for (const name of ['open', 'commit', 'store'])
    tracingChannel(`sess.${name}`).subscribe({ start: hear, end: hear, asyncStart: hear, asyncEnd: hear, error: hear })
  for (const name of ['begin', 'login', 'end', 'conflict']) subscribe(`sess.${name}`, hear)
}

/** @param {import('@sess/core').Sessions} sess */
async function use(sess) {
  /** @type {Map<string, string>} */
  const cookies = new Map()
  /** @param {string} browser @param {(session: import('@sess/core').Session<import('@sess/core').AnyData>) => unknown} handle */
  async function visit(browser, handle) {
    const exchange = sess.exchange(cookies.get(browser))
    handle(await exchange.open())
    const line = (await exchange.commit(200)).find(([name]) => name === 'set-cookie')?.[1]
    if (line !== undefined) cookies.set(browser, line.includes('Max-Age=0') ? '' : (line.split(';')[0] ?? ''))
  }
  await visit('one', () => undefined)
  await visit('one', (session) => (session['visits'] = 1))
  await visit('one', (session) => session['visits'])
  const [first, second] = [sess.exchange(cookies.get('one')), sess.exchange(cookies.get('one'))]
  for (const exchange of [first, second]) {
    const session = await exchange.open()
    session['visits'] = Number(session['visits']) + 1
  }
  await first.commit(200)
  await second.commit(200).catch(() => undefined)
  now += 2 * HOUR
  await visit('one', (session) => session['visits'])
  for (const browser of ['one', 'two'])
    await visit(browser, (session) => {
      session['user'] = 'ada'
      session.regenerate()
    })
  await visit('two', (session) => (session['user'] = 'grace'))
  await visit('two', (session) => session.destroy())
  await visit('one', (session) => (session['visits'] = 1))
  now += 50 * HOUR
  await visit('one', (session) => session['visits'])
}

/** @param {import('node:inspector').Profiler.ScriptCoverage} script */
function countsIn({ url, functions }) {
  if (!url.startsWith('file:') || !fileURLToPath(url).startsWith(DIST)) return []
  const text = readFileSync(fileURLToPath(url), 'utf8')
  const ranges = functions.flatMap((each) => each.ranges)
  return [...text.matchAll(BUILDS)].map(({ index, 0: found }) => {
    const around = ranges.filter(({ startOffset, endOffset }) => startOffset <= index && index < endOffset)
    const sizeOf = (/** @type {typeof around[number]} */ range) => range.endOffset - range.startOffset
    const [innermost] = around.toSorted((one, other) => sizeOf(one) - sizeOf(other))
    return { place: `line ${text.slice(0, index).split('\n').length}: ${found}`, count: innermost?.count ?? 0 }
  })
}
