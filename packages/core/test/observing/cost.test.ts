import { readFileSync } from 'node:fs'
import { Session as Inspector } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'
import cookie from '@sess/adapter-cookie'
import { sessions } from '@sess/core'
import { expect, onTestFinished, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { Installation } from '../support/installation.ts'
import { SECRET } from '../support/secret.ts'
import { Listener } from '../support/told.ts'

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url))

/** What core's built code does for those who listen: makes a message, or has one made. */
const BUILDS = /\.publish\(|\.runStores\(|\btraced\(|\breport\.\w+ = |const message = \{/g

/** How often V8 ran each of these places while `work` was done, by the file and the line. */
async function countsDuring(work: () => Promise<void>): Promise<ReadonlyMap<string, number>> {
  const inspector = new Inspector()
  inspector.connect()
  onTestFinished(() => inspector.disconnect())
  await inspector.post('Profiler.enable')
  await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  await work()
  const { result } = await inspector.post('Profiler.takePreciseCoverage')
  await inspector.post('Profiler.stopPreciseCoverage')
  const counts = new Map<string, number>()
  for (const { url, functions } of result) {
    if (!url.startsWith('file:') || !fileURLToPath(url).startsWith(DIST)) continue
    const text = readFileSync(fileURLToPath(url), 'utf8')
    const ranges = functions.flatMap((each) => each.ranges)
    for (const { index, 0: found } of text.matchAll(BUILDS)) {
      const around = ranges.filter(({ startOffset, endOffset }) => startOffset <= index && index < endOffset)
      const [innermost] = around.toSorted(
        (one, other) => one.endOffset - one.startOffset - (other.endOffset - other.startOffset),
      )
      counts.set(`${text.slice(0, index).split('\n').length}: ${found}`, innermost?.count ?? 0)
    }
  }
  return counts
}

/** Every way through: begin, read, change, extend, log in, log out, revoke, expire, conflict. */
async function useSessions(): Promise<void> {
  const clock = new Clock()
  for (const sess of [
    sessions(new CountedStore(), { secret: SECRET, owner: 'user', maxPerOwner: 1, clock: clock.read }),
    sessions(cookie, { secret: SECRET, clock: clock.read }),
  ]) {
    const [browser, other] = [new Browser(sess), new Browser(sess)]
    await browser.see()
    await browser.visit((session) => (session['visits'] = 1))
    await browser.visit((session) => session['visits'])
    const [one, two] = [sess.exchange(browser.cookie), sess.exchange(browser.cookie)]
    for (const exchange of [one, two]) {
      const session = await exchange.open()
      session['visits'] = Number(session['visits']) + 1
    }
    await one.commit(200)
    await two.commit(200).catch(() => undefined)
    clock.advance(2 * HOUR)
    await browser.see()
    for (const each of [browser, other])
      await each.visit((session) => {
        session['user'] = 'ada'
        session.regenerate()
      })
    await other.visit((session) => (session['user'] = 'grace'))
    await other.visit((session) => session.destroy())
    await browser.visit((session) => (session['visits'] = 1))
    clock.advance(50 * HOUR)
    await browser.see()
  }
}

test('where nobody listens, no message is built, by V8’s own count', async () => {
  const counts = await countsDuring(useSessions)
  expect(counts.size).toBeGreaterThan(15)
  expect([...counts].filter(([, count]) => count > 0)).toEqual([])
})

test('where somebody listens, the same requests build them: the test before this one can fail', async () => {
  const listener = new Listener()
  const counts = await countsDuring(useSessions)
  expect(listener.messages.size).toBeGreaterThan(50)
  expect([...counts.values()].filter((count) => count > 0).length).toBeGreaterThan(15)
})

const WITHOUT = `const { getBuiltinModule } = process
  process.getBuiltinModule = (name) => (name === 'node:diagnostics_channel' ? undefined : getBuiltinModule(name))`

test('a runtime without the module has sessions, and nobody is told', async () => {
  const application = Installation.forTest().copy('core').copy('adapter-memory')
  application.write({
    'without.mjs': WITHOUT,
    'main.mjs': `import { sessions } from '@sess/core'
      const sess = sessions('memory', { secret: '${SECRET}', owner: 'user' })
      const exchange = sess.exchange(undefined)
      Object.assign(await exchange.open(), { user: 'ada' })
      const [[, line]] = await exchange.commit(200)
      const again = sess.exchange(line.split(';')[0])
      const { user } = await again.open()
      console.log(user, await sess.owner('ada').revoke())
      await sess.close()`,
  })
  const { stdout, stderr } = await application.node(['--import', './without.mjs', 'main.mjs'])
  expect(stderr).toBe('')
  expect(stdout).toBe('ada 1')
})
